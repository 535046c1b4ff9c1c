//! The short form: what is read, what is refused, what comes out, when exceptions hold.
#![allow(clippy::unwrap_used)]

mod made;

use cleanbill_model::{Decision, ReasonCode, Unavailable};
use cleanbill_policy::{Day, FailurePolicy};
use made::{decides, digest, evidence, image, load, pem, quoted, refused, request, short, signed_by, unsigned};
use proptest::prelude::*;

const EXCEPTION: &str =
    "exceptions: [{images: [\"ghcr.io/org/legacy:*\"], reason: moves, owner: pay, until: 2026-12-31}]";

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

#[test]
fn keys_registries_and_digests_are_asked_for() {
    let set = load(&short(&format!("images: [\"ghcr.io/org/*\"], {}", signed_by('A')))).unwrap();
    assert_eq!(set.names(), ["short"]);
    decides(&set, "ghcr.io/org/app:1", Decision::Refuse);
    decides(&set, "ghcr.io/other/app:1", Decision::Admit);
    for kind in ["Pod", "Deployment", "CronJob", "PodTemplate"] {
        assert!(set.demand(&request(kind, "x"), &image("ghcr.io/org/app:1")).enforced, "{kind}");
    }
    assert!(!set.demand(&request("ConfigMap", "x"), &image("ghcr.io/org/app:1")).applies);
    let keys = set.demand(&request("Pod", "x"), &image("ghcr.io/org/app:1")).keys;
    let ids: Vec<_> = keys.into_iter().map(|(id, _)| id).collect();
    let verdict = set.judge(&request("Pod", "x"), &image("ghcr.io/org/app:1"), Some(&digest()), Ok(&evidence(&ids)));
    assert_eq!((verdict.decision, verdict.reasons[0].code), (Decision::Admit, ReasonCode::Signed));
    assert!(set.pins(&request("Pod", "x"), &image("ghcr.io/org/app:1")));
}

#[test]
fn of_several_keys_all_or_so_many_must_have_signed() {
    let keys = quoted(&format!("{}\n{}", pem('A'), pem('B')));
    let decide = |more: &str, signed: usize| {
        let set = load(&short(&format!("signedBy: [{{keys: {keys}{more}}}]"))).unwrap();
        let ids: Vec<_> =
            set.demand(&request("Pod", "x"), &image("a:1")).keys.into_iter().take(signed).map(|(id, _)| id).collect();
        set.judge(&request("Pod", "x"), &image("a:1"), Some(&digest()), Ok(&evidence(&ids))).decision
    };
    assert_eq!(decide("", 1), Decision::Refuse);
    assert_eq!(decide("", 2), Decision::Admit);
    assert_eq!(decide(", atLeast: 1", 1), Decision::Admit);
    refused(&short(&format!("signedBy: [{{keys: {keys}, atLeast: 0}}]")), "from 1 to 2");
    refused(&short(&format!("signedBy: [{{keys: {keys}, atLeast: 3}}]")), "from 1 to 2");
}

#[test]
fn an_image_from_elsewhere_is_refused_even_if_its_registry_is_down() {
    let set = load(&short("registries: [ghcr.io/org, docker.io]")).unwrap();
    decides(&set, "ghcr.io/org/app:1", Decision::Admit);
    decides(&set, "ghcr.io/org-evil/app:1", Decision::Refuse);
    decides(&set, "ghcr.io.evil.example/org/app:1", Decision::Refuse);
    decides(&set, "nginx", Decision::Admit);
    assert_eq!(unsigned(&set, "ghcr.io/org/app:1").reasons[0].code, ReasonCode::Allowed);
    let down = Unavailable { what: "read".to_owned(), why: "refused".to_owned() };
    let verdict = set.judge(&request("Pod", "x"), &image("quay.io/o/x:1"), None, Err(&down));
    assert_eq!((verdict.decision, verdict.reasons[0].code), (Decision::Refuse, ReasonCode::OtherRegistry));
    let verdict = set.judge(&request("Pod", "x"), &image("ghcr.io/org/x:1"), None, Err(&down));
    assert_eq!(verdict.decision, Decision::Undecided);
    refused(&short("registries: [\"ghcr.io/org*\"]"), "holds a wildcard");
    refused(&short("registries: [org]"), "names no registry");
    refused(&short("registries: [\"https://ghcr.io\"]"), "is a URL");
}

#[test]
fn a_digest_can_be_demanded() {
    let set = load(&short("digest: demand")).unwrap();
    assert_eq!(unsigned(&set, "a:1").reasons[0].code, ReasonCode::NoDigest);
    decides(&set, &format!("a@{}", digest()), Decision::Admit);
    assert!(!set.pins(&request("Pod", "x"), &image("a:1")));
    decides(&load(&short("digest: pin")).unwrap(), "a:1", Decision::Admit);
}

#[test]
fn modes_namespaces_and_what_happens_in_ignorance() {
    let with = |more: &str| load(&short(&format!("{}, {more}", signed_by('A')))).unwrap();
    let audit = unsigned(&with("mode: audit"), "a:1");
    assert_eq!((audit.decision, audit.warnings.len()), (Decision::Admit, 1));
    assert_eq!(with("whenUnknown: admit").with_failure_policy(FailurePolicy::Ignore).names().len(), 1);
    assert_eq!(with("whenUnknown: refuse").with_failure_policy(FailurePolicy::Fail).names().len(), 1);
    let prod = with("namespaces: [prod*], exceptNamespaces: [prod-sandbox]");
    for (namespace, applies) in [("prod-1", true), ("prod-sandbox", false), ("default", false)] {
        assert_eq!(prod.demand(&request("Pod", namespace), &image("a:1")).applies, applies, "{namespace}");
    }
}

#[test]
fn an_exception_holds_to_the_end_of_its_last_day_and_not_without_a_day() {
    let set = load(&short(&format!("{}, {EXCEPTION}", signed_by('A')))).unwrap();
    let legacy = "ghcr.io/org/legacy:1";
    decides(&set, legacy, Decision::Refuse);
    decides(&set.on(day("2026-12-31")), legacy, Decision::Admit);
    decides(&set.on(day("2027-01-01")), legacy, Decision::Refuse);
    decides(&set.on(day("2026-12-31")), "ghcr.io/org/legacy2:1", Decision::Refuse);
    let verdict = unsigned(&set.on(day("2026-01-01")), legacy);
    assert_eq!(verdict.reasons[0].code, ReasonCode::Skipped);
    assert!(verdict.reasons[0].message.contains("until 2026-12-31 by pay: moves"), "{verdict:?}");
    let kept = set.on(day("2026-12-31")).with_failure_policy(FailurePolicy::Fail);
    decides(&kept, legacy, Decision::Admit);
}

#[test]
fn an_exception_takes_nothing_out_of_another_policy() {
    let other = short(&signed_by('B')).replace("name: short", "name: other");
    let two = format!("{}---\n{other}", short(&format!("{}, {EXCEPTION}", signed_by('A'))));
    decides(&load(&two).unwrap().on(day("2026-01-01")), "ghcr.io/org/legacy:1", Decision::Refuse);
}

#[test]
fn what_asks_for_nothing_or_is_not_known_is_refused() {
    refused(&short(""), "it asks for nothing");
    refused(&short("images: [\"*\"]"), "it asks for nothing");
    refused(&short("signedBy: []"), "the list is empty");
    refused(&short("registries: []"), "the list is empty");
    refused(&short("finding: {severity: high}"), "spec.finding is not supported yet");
    refused(&short("digest: maybe"), "`maybe` is none of pin, demand");
    refused(&short("mode: Enforce, digest: pin"), "`Enforce` is none of enforce, audit");
    for part in ["reason: moves, ", "owner: pay, ", ", until: 2026-12-31"] {
        refused(&short(&format!("digest: pin, {}", EXCEPTION.replace(part, ""))), "is missing");
    }
    refused(&short(&format!("digest: pin, {}", EXCEPTION.replace("moves", "' '"))), "it is empty");
    refused(&short(&format!("digest: pin, {}", EXCEPTION.replace("2026-12-31", "never"))), "`never` is no day");
}

#[test]
fn a70_keys_from_elsewhere_are_refused() {
    for place in
        ["k8s://other/key", "env://HOME", "awskms:///alias/x", "file:///etc/passwd", "https://169.254.169.254/k"]
    {
        refused(&short(&format!("signedBy: [{{keys: \"{place}\"}}]")), "are not supported yet");
    }
}

fn name() -> impl Strategy<Value = String> {
    r"(ghcr\.io|quay\.io|reg\.example:5000)/(org|org-evil|team)/(app|legacy|legacy2)(:1|:2|)"
}

proptest! {
    /// An exception never lets in a refused image that it does not name.
    #[test]
    fn an_exclusion_admits_nothing_of_another_name(excepted in name(), other in name()) {
        let excepted = image(&excepted);
        let base = load(&short(&signed_by('A'))).unwrap();
        prop_assert_eq!(unsigned(&base, &other).decision, Decision::Refuse);
        let list = format!("[{{images: [\"{}:*\"], reason: r, owner: o, until: 9999-12-31}}]", excepted.name());
        let set = load(&short(&format!("{}, exceptions: {list}", signed_by('A')))).unwrap().on(day("2026-01-01"));
        let same = image(&other).name() == excepted.name();
        prop_assert_eq!(unsigned(&set, &other).decision, if same { Decision::Admit } else { Decision::Refuse });
        let skip = format!("imageReferences: [\"*\"]\n      skipImageReferences: [\"{}:*\"]", excepted.name());
        let skipping = load(&made::kyverno(made::PODS, &skip)).unwrap();
        prop_assert_eq!(unsigned(&skipping, &other).decision, if same { Decision::Admit } else { Decision::Refuse });
    }

    /// A registry that is written out is the only one that is meant, in patterns and lists alike.
    #[test]
    fn a_pattern_never_matches_another_registry(
        host in r"(ghcr\.io|quay\.io|reg\.example:5000|localhost|a\.b)",
        other in r"(ghcr\.io|quay\.io|reg\.example:5000|localhost|a\.b|ghcr\.io\.evil\.example|xghcr\.io)",
        tail in r"(\*|o\*|o/\*|\*/app:\*|o/app:1|\*ghcr\.io/\*)",
        path in r"(o/app|o/b/app|ghcr\.io/o/app)",
    ) {
        let set = load(&short(&format!("images: [\"{host}/{tail}\"], {}", signed_by('A')))).unwrap();
        let image = image(&format!("{other}/{path}:1"));
        if set.demand(&request("Pod", "x"), &image).applies {
            prop_assert_eq!(&other, &host);
        }
        let allowed = load(&short(&format!("registries: [\"{host}\"]"))).unwrap();
        prop_assert_eq!(unsigned(&allowed, &image.to_string()).decision == Decision::Admit, other == host);
    }
}
