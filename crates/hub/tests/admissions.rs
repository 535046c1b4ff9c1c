//! What the webhook answered: kept, counted, shown on its pages and by the API.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod schema;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use cleanbill_hub::{Auth, Hub, HubOptions};
use cleanbill_model::{
    AdmissionAnswer, AdmissionRecord, Attempt, Decision, Digest, ImageField, ImageFieldKind, Operation, Reason,
    ReasonCode, Reference, Timestamp, Verdict,
};
use cleanbill_store::{AdmissionFilter, AdmissionOutcome, SqliteStore};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

const NOW: i64 = 1_800_000_000;

struct Place {
    folder: TempDir,
    hub: Hub,
    auth: Auth,
    token: String,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
        let options = HubOptions {
            clock: Arc::new(|| Timestamp::from_second(NOW).unwrap()),
            catalogers: Vec::new(),
            database: None,
            advisories: Vec::new(),
            keep: None,
            demo: false,
        };
        let hub = Hub::open(store, options).await.unwrap();
        let (auth, token) = Auth::create(folder.path()).unwrap();
        let token = std::fs::read_to_string(token).unwrap().trim().to_owned();
        Self { folder, hub, auth, token }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let router = self.hub.router(self.auth.clone(), "127.0.0.1:8420".parse().unwrap());
        let request = Request::get(path)
            .header("host", "127.0.0.1:8420")
            .header("authorization", format!("Bearer {}", self.token))
            .body(Body::empty())
            .unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn list(&self) -> Vec<(AdmissionOutcome, u64, String)> {
        let page = self.hub.admissions(&AdmissionFilter::default(), None, 99).await.unwrap();
        page.entries.into_iter().map(|entry| (entry.outcome, entry.times, entry.key)).collect()
    }
}

fn digest() -> Digest {
    Digest::sha256(b"cart")
}

/// A Pod of `ghcr.io/o/cart:1`, by a rule that asks for a signature.
fn record(decision: Decision, code: ReasonCode, second: i64) -> AdmissionRecord {
    let image = Reference::parse("ghcr.io/o/cart:1").unwrap();
    let allowed = decision == Decision::Admit;
    let message = "ghcr.io/o/cart is <b>unsigned</b>".to_owned();
    let verdict = Verdict {
        image,
        digest: Some(digest()),
        decision,
        reasons: vec![Reason {
            code,
            policy: "verify".to_owned(),
            rule: "shop".to_owned(),
            message: message.clone(),
            hint: "sign it: cleanbill sign --key KEY ghcr.io/o/cart".to_owned(),
            attempts: vec![Attempt {
                what: "bundle sha256:12 with key 34\u{202e}".to_owned(),
                outcome: "signed by another key".to_owned(),
            }],
        }],
        warnings: Vec::new(),
    };
    AdmissionRecord {
        at: Timestamp::from_second(NOW - 600 + second).unwrap(),
        phase: "mutate",
        failure_policy: "Fail",
        audit: false,
        operation: Operation::Create,
        kind: "Pod".to_owned(),
        namespace: "shop".to_owned(),
        name: String::new(),
        user: "system:serviceaccount:kube-system:replicaset-controller".to_owned(),
        images: vec![ImageField {
            pointer: "/spec/containers/0/image".to_owned(),
            kind: ImageFieldKind::Container,
            container: "web".to_owned(),
            image: "ghcr.io/o/cart:1".to_owned(),
        }],
        answer: AdmissionAnswer {
            uid: "u".to_owned(),
            allowed,
            message: if allowed { String::new() } else { message },
            code: match decision {
                Decision::Admit => 200,
                Decision::Refuse => 403,
                Decision::Undecided => 500,
            },
            warnings: Vec::new(),
            patches: Vec::new(),
            audit_annotations: BTreeMap::new(),
            verdicts: vec![verdict],
        },
    }
}

fn refused(second: i64) -> AdmissionRecord {
    record(Decision::Refuse, ReasonCode::Unsigned, second)
}

#[tokio::test]
async fn the_same_refusal_again_and_again_is_one_entry_that_counts() {
    let place = Place::new().await;
    for second in 0..3 {
        place.hub.note_admission(refused(second));
    }
    place.hub.flush_admissions().await;
    place.hub.note_admission(refused(9));
    place.hub.note_admission(AdmissionRecord { phase: "validate", ..refused(10) });
    place.hub.note_admission(AdmissionRecord { namespace: "ops".to_owned(), ..refused(11) });
    place.hub.flush_admissions().await;
    let list = place.list().await;
    assert_eq!(
        list.iter().map(|(o, n, _)| (*o, *n)).collect::<Vec<_>>(),
        [(AdmissionOutcome::Refused, 1), (AdmissionOutcome::Refused, 5)]
    );
    let entry = place.hub.admission(&list[1].2).await.unwrap().unwrap();
    let at = |second| Timestamp::from_second(NOW - 600 + second).unwrap();
    assert_eq!((entry.first, entry.last), (at(0), at(10)));
}

#[tokio::test]
async fn outcomes_are_told_apart_and_what_nobody_asked_about_is_not_kept() {
    let place = Place::new().await;
    place.hub.note_admission(record(Decision::Admit, ReasonCode::Signed, 0));
    place.hub.note_admission(record(Decision::Undecided, ReasonCode::Unreachable, 1));
    place.hub.note_admission(refused(2));
    let mut audited = refused(3);
    audited.audit = true;
    audited.answer.allowed = true;
    audited.answer.code = 200;
    place.hub.note_admission(audited);
    let mut unasked = record(Decision::Admit, ReasonCode::NoPolicy, 4);
    unasked.answer.verdicts[0].reasons[0].policy.clear();
    place.hub.note_admission(unasked);
    place.hub.flush_admissions().await;
    let outcomes: Vec<AdmissionOutcome> = place.list().await.into_iter().map(|(outcome, ..)| outcome).collect();
    assert_eq!(
        outcomes,
        [
            AdmissionOutcome::WouldBeRefused,
            AdmissionOutcome::Refused,
            AdmissionOutcome::Undecided,
            AdmissionOutcome::Admitted
        ]
    );
}

#[tokio::test]
async fn a80_the_page_says_why_what_was_tried_and_what_to_do() {
    let place = Place::new().await;
    place.hub.note_admission(refused(0));
    place.hub.flush_admissions().await;
    let (status, list) = place.get("/admissions").await;
    assert_eq!(status, StatusCode::OK);
    for expected in
        ["1 request refused.", "A Pod in shop", "ghcr.io/o/cart is &#60;b&#62;unsigned&#60;/b&#62;", "10 min ago"]
    {
        assert!(list.contains(expected), "{expected}: {list}");
    }
    let key = place.list().await[0].2.clone();
    let (status, page) = place.get(&format!("/admissions/{key}")).await;
    assert_eq!(status, StatusCode::OK);
    for expected in [
        "A Pod in shop was refused",
        "policy verify, rule shop",
        "What to do:",
        "cleanbill sign --key KEY ghcr.io/o/cart",
        "signed by another key",
        "container web",
        "replicaset-controller",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains("<b>") && !page.contains('\u{202e}'), "what comes from outside is shown, not obeyed (A80)");
    assert_eq!(place.get("/admissions/none").await.0, StatusCode::NOT_FOUND);
    assert_eq!(place.get("/admissions?outcome=x").await.0, StatusCode::BAD_REQUEST);
    assert!(place.get("/admissions?outcome=admitted").await.1.contains("Nothing was asked for"));
    assert!(place.folder.path().join("cleanbill.db").exists());
}

#[tokio::test]
async fn the_page_of_an_image_says_who_vouches_for_it_by_the_newest_word_of_each_rule() {
    let place = Place::new().await;
    let path = format!("/images/{}", digest());
    let (status, page) = place.get(&path).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("No policy was asked about it yet"), "{page}");
    place.hub.note_admission(refused(0));
    place.hub.flush_admissions().await;
    assert!(place.get(&path).await.1.contains("The one rule that was asked about it is not met"));
    let mut signed = record(Decision::Admit, ReasonCode::Signed, 60);
    signed.answer.verdicts[0].reasons[0].message = "it is signed as the rule asks".to_owned();
    place.hub.note_admission(signed);
    place.hub.flush_admissions().await;
    let page = place.get(&path).await.1;
    assert!(page.contains("The one rule that was asked about it is met"), "{page}");
    assert!(page.contains("it is signed as the rule asks") && page.contains("2 answers about it"), "{page}");
    assert_eq!(place.get("/images/nonsense").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_api_gives_the_same_by_outcome_namespace_and_digest() {
    let place = Place::new().await;
    place.hub.note_admission(refused(0));
    place.hub.note_admission(AdmissionRecord {
        namespace: "ops".to_owned(),
        ..record(Decision::Admit, ReasonCode::Signed, 1)
    });
    place.hub.flush_admissions().await;
    let outcomes = async |query: &str| -> Vec<String> {
        let (status, text) = place.get(&format!("/api/v1/admissions{query}")).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["schema"], "cleanbill/admissions/v1");
        let list = document["admissions"].as_array().unwrap();
        list.iter().map(|entry| entry["outcome"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(outcomes("").await, ["admitted", "refused"]);
    assert_eq!(outcomes("?outcome=refused").await, ["refused"]);
    assert_eq!(outcomes("?namespace=ops").await, ["admitted"]);
    assert_eq!(outcomes(&format!("?digest={}", digest())).await, ["admitted", "refused"]);
    assert!(outcomes("?digest=sha256:00").await.is_empty());
    let published: Value = serde_json::from_str(include_str!("../../../docs/schemas/admissions-v1.json")).unwrap();
    let document = place.hub.admissions(&AdmissionFilter::default(), None, 9).await.unwrap().to_json();
    schema::fits(&published, &published, &document, "admissions");
    let key = place.list().await[0].2.clone();
    let one: Value = serde_json::from_str(&place.get(&format!("/api/v1/admissions/{key}")).await.1).unwrap();
    assert_eq!(one["schema"], "cleanbill/admission/v1");
    assert_eq!(one["admission"]["images"][0]["reasons"][0]["attempts"][0]["outcome"], "signed by another key");
}
