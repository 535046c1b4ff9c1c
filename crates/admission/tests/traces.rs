//! Random traces of several tenants: pushes, tags that move, policies that are edited, signatures,
//! attestations and questions. Whoever remembers answers as whoever knows nothing (A32, A33, A75).
#![allow(clippy::unwrap_used)]

mod place;

use std::collections::HashMap;
use std::sync::LazyLock;

use cleanbill_admission::{Admission, AdmissionOptions, Phase};
use cleanbill_model::{AdmissionAnswer, Digest};
use cleanbill_policy::PolicySet;
use cleanbill_testkit::{Auth, Registry, RegistryOptions};
use cleanbill_trust::{Form, PrivateKey};
use place::*;
use proptest::prelude::*;
use serde_json::json;

static KEYS: LazyLock<[PrivateKey; 2]> =
    LazyLock::new(|| [PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap()]);

const REPOSITORIES: [&str; 2] = ["one", "two"];
const TAGS: [&str; 2] = ["1", "2"];
const TENANTS: [&str; 2] = ["a", "b"];
const CONTENTS: usize = 3;

/// Where something is done.
#[derive(Debug, Clone, Copy)]
struct At {
    repository: usize,
    tag: usize,
}

#[derive(Debug, Clone)]
enum Step {
    /// The tag names this content from now on; pushed first if it is not there.
    Move(At, usize),
    Sign(At, usize),
    Attest(At, usize),
    Edit(usize),
    Ask {
        tenant: usize,
        at: At,
        by_digest: bool,
        validate: bool,
        dry_run: bool,
    },
}

fn at() -> impl Strategy<Value = At> {
    (0..REPOSITORIES.len(), 0..TAGS.len()).prop_map(|(repository, tag)| At { repository, tag })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (at(), 0..CONTENTS).prop_map(|(at, content)| Step::Move(at, content)),
        2 => (at(), 0..2_usize).prop_map(|(at, key)| Step::Sign(at, key)),
        1 => (at(), 0..2_usize).prop_map(|(at, key)| Step::Attest(at, key)),
        1 => (0..4_usize).prop_map(Step::Edit),
        6 => (0..TENANTS.len(), at(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(tenant, at, by_digest, validate, dry_run)| Step::Ask { tenant, at, by_digest, validate, dry_run }
        ),
    ];
    proptest::collection::vec(step, 4..24)
}

fn policies(which: usize) -> PolicySet {
    let [first, second] = KEYS.each_ref().map(pem);
    let named = |name: &str, spec: String| short(&spec).replace("name: short", &format!("name: {name}"));
    let text = match which {
        0 => named("all", format!("signedBy: [{{keys: {first}}}]")),
        1 => format!(
            "{}---\n{}",
            named("of-a", format!("namespaces: [a], signedBy: [{{keys: {first}}}]")),
            named("of-b", format!("namespaces: [b], signedBy: [{{keys: {second}}}]"))
        ),
        2 => named("tested", format!("attestations: [{{type: \"{TESTED}\", keys: {first}}}]")),
        _ => named("both", format!("namespaces: [b], digest: demand, signedBy: [{{keys: {second}}}]")),
    };
    loaded(&text)
}

/// What is compared: all that the API server is told.
fn told(answer: &AdmissionAnswer) -> (bool, u16, Vec<String>) {
    (answer.allowed, answer.code, answer.patches.iter().map(|p| p.value.clone()).collect())
}

async fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let place = Place::new("Fail").await;
    let warm = Admission::new(policies(0), client(), AdmissionOptions::default());
    // Digests that were added to since somebody looked: facts that are kept for a while may lag there.
    let mut behind: HashMap<(usize, Digest), bool> = HashMap::new();
    for step in steps {
        let name = |at: At| format!("{}:{}", REPOSITORIES[at.repository], TAGS[at.tag]);
        let now = |at: At| place.registry.tag(REPOSITORIES[at.repository], TAGS[at.tag]);
        match step {
            Step::Move(at, content) => {
                place.push(REPOSITORIES[at.repository], TAGS[at.tag], &content.to_string());
            }
            Step::Edit(which) => warm.replace(policies(which)),
            Step::Sign(at, key) if now(at).is_some() => {
                place.sign_with(&name(at), &KEYS[key]).await;
                behind.entry((at.repository, now(at).unwrap())).and_modify(|lags| *lags = true);
            }
            Step::Attest(at, key) if now(at).is_some() => {
                attest(&place, &name(at), &KEYS[key], TESTED, &json!({"passed": true}), Form::Bundle).await;
                behind.entry((at.repository, now(at).unwrap())).and_modify(|lags| *lags = true);
            }
            Step::Sign(..) | Step::Attest(..) => {}
            Step::Ask { tenant, at, by_digest, validate, dry_run } => {
                let image = match (now(at), by_digest) {
                    (Some(digest), true) => place.image(&format!("{}@{digest}", REPOSITORIES[at.repository])),
                    _ => place.image(&name(at)),
                };
                let mut request = from(TENANTS[tenant], pod(&image));
                request.dry_run = dry_run;
                let phase = if validate { Phase::Validate } else { Phase::Mutate };
                let remembered = warm.answer(phase, HOOK, request.clone(), true).await;
                let cold = Admission::new((*warm.policies()).clone(), client(), AdmissionOptions::default());
                let fresh = cold.answer(phase, HOOK, request, true).await;
                prop_assert!(!remembered.allowed || fresh.allowed, "memory let in {}", image);
                let lags = now(at).is_some_and(|d| behind.get(&(at.repository, d)).copied().unwrap_or(false));
                if !lags {
                    prop_assert_eq!(told(&remembered), told(&fresh), "{}", image);
                }
                if let (Some(digest), false) = (now(at), dry_run) {
                    behind.entry((at.repository, digest)).or_insert(false);
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a32_a33_a75_who_remembers_answers_as_who_knows_nothing(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(steps))?;
    }
}

#[tokio::test]
async fn a40_pull_secrets_of_pods_take_no_part() {
    let auth = Auth::Basic { user: "tenant-a".to_owned(), password: "secret".to_owned() };
    let registry = Registry::start(RegistryOptions { auth, ..RegistryOptions::default() }).await;
    let policies = loaded(&short(&format!("signedBy: [{{keys: {}}}]", pem(&KEYS[0]))));
    let image = format!("{}/private:1", registry.host());
    // Whoever may read it for the operator changes nothing for those who may not.
    let options = cleanbill_oci::ClientOptions {
        credentials: cleanbill_oci::Credentials::default().with_login(&registry.host(), "tenant-a", "secret"),
        retries: 0,
        ..cleanbill_oci::ClientOptions::default()
    };
    let theirs =
        Admission::new(policies.clone(), cleanbill_oci::Client::new(options).unwrap(), AdmissionOptions::default());
    let built = cleanbill_testkit::ImageBuilder::new().platform("linux/amd64").build();
    registry.put("private", &built, "1");
    let spec = |secret: &str| json!({"spec": {"imagePullSecrets": [{"name": secret}], "containers": [{"name": "a", "image": image}]}});
    let ours = Admission::new(policies, client(), AdmissionOptions::default());
    for _round in 0..2 {
        for tenant in TENANTS {
            let request = from(tenant, parsed(&review_of("", "Pod", spec("of-tenant-a"))));
            let answer = ours.answer(Phase::Mutate, HOOK, request.clone(), true).await;
            refused(&answer, 500, "could not verify image");
            refused(&theirs.answer(Phase::Mutate, HOOK, request, true).await, 403, "unsigned");
        }
    }
}
