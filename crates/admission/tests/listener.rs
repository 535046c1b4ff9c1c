//! The listener: who may call it, what it takes, what it answers (A71).
#![allow(clippy::unwrap_used)]

mod place;

use std::sync::Arc;

use cleanbill_admission::server::Server;
use cleanbill_admission::{Admission, AdmissionOptions};
use place::*;
use serde_json::{Value, json};

struct Listening {
    place: Place,
    base: String,
    secret: String,
    http: reqwest::Client,
    _dir: tempfile::TempDir,
}

async fn listening() -> Listening {
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let place = Place::new("Fail").await;
    let dir = tempfile::tempdir().unwrap();
    let policies = (*place.admission.policies()).clone();
    let admission = Arc::new(Admission::new(policies, client(), AdmissionOptions::default()));
    let server = Server::bind(admission, "127.0.0.1:0".parse().unwrap(), dir.path()).await.unwrap();
    let root = reqwest::Certificate::from_pem(server.identity().ca_pem.as_bytes()).unwrap();
    let http = reqwest::Client::builder().tls_certs_only([root]).no_proxy().build().unwrap();
    let (base, secret) = (format!("https://{}", server.local_addr()), server.identity().secret.clone());
    tokio::spawn(server.run());
    Listening { place, base, secret, http, _dir: dir }
}

impl Listening {
    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
        let sent = self.http.post(format!("{}{path}", self.base)).header("content-type", "application/json").body(body);
        let response = sent.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn get(&self, path: &str) -> u16 {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap().status().as_u16()
    }

    fn review(&self) -> Value {
        review_of("", "Pod", json!({"spec": {"containers": [{"name": "a", "image": self.place.image("app:1")}]}}))
    }
}

#[tokio::test]
async fn a71_who_does_not_know_the_secret_gets_401_and_asks_nobody() {
    let it = listening().await;
    it.place.push("app", "1", "x");
    it.place.registry.forget_requests();
    let wrong = "0".repeat(64);
    for path in
        [format!("/mutate/{wrong}/fail"), format!("/validate/{wrong}/ignore/audit"), "/mutate/x/fail".to_owned()]
    {
        assert_eq!(it.post(&path, it.review().to_string()).await.0, 401, "{path}");
    }
    assert!(it.place.registry.requests().is_empty());
}

#[tokio::test]
async fn a_review_is_answered_over_tls_by_our_own_authority() {
    let it = listening().await;
    let digest = it.place.push("app", "1", "x");
    let path = |rest: &str| format!("/mutate/{}/{rest}?timeout=10s", it.secret);
    let (status, body) = it.post(&path("fail"), it.review().to_string()).await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &answer["response"]["allowed"]), (200, &json!(false)), "{body}");
    assert_eq!(answer["response"]["status"]["code"], 403);
    let (_, body) = it.post(&path("fail/audit"), it.review().to_string()).await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["response"]["allowed"], true);
    assert!(answer["response"]["warnings"][0].as_str().unwrap().starts_with("would be refused"), "{body}");
    let (_, body) = it.post(&path("ignore"), it.review().to_string()).await;
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["response"], json!({"uid": "u", "allowed": true}));
    it.place.push("app", "1", "signed");
    it.place.sign("app:1").await;
    let (_, body) = it.post(&path("fail"), it.review().to_string()).await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["response"]["patchType"], "JSONPatch", "{body}");
    assert!(!body.contains(digest.hex()));
}

#[tokio::test]
async fn damaged_foreign_and_huge_bodies_are_refused() {
    let it = listening().await;
    let path = format!("/validate/{}/fail", it.secret);
    assert_eq!(it.post(&path, "{").await.0, 400);
    let (status, text) = it.post(&path, r#"{"apiVersion":"v1","kind":"Pod"}"#).await;
    assert_eq!(status, 400);
    assert!(text.contains("not an AdmissionReview"), "{text}");
    assert_eq!(it.post(&path, vec![b' '; (3 << 20) + 1]).await.0, 413);
    let plain = it.http.post(format!("{}{path}", it.base)).body(it.review().to_string()).send().await.unwrap();
    assert_eq!(plain.status().as_u16(), 415);
    assert_eq!(it.post(&format!("/validate/{}/maybe", it.secret), "{}").await.0, 404);
    assert_eq!(it.post(&format!("/validate/{}/fail/loudly", it.secret), "{}").await.0, 404);
}

#[tokio::test]
async fn health_readiness_and_nothing_else() {
    let it = listening().await;
    assert_eq!((it.get("/healthz").await, it.get("/readyz").await), (200, 200));
    let path = format!("/mutate/{}/fail", it.secret);
    for path in ["/", "/metrics", path.as_str()] {
        assert_eq!(it.get(path).await, 404, "{path}");
    }
}

#[tokio::test]
async fn a74_a_glass_is_reviewed_for_the_api_server_alone() {
    let it = listening().await;
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "operation": "CREATE", "kind": {"group": "cleanbill.dev", "version": "v1", "kind": "BreakGlass"},
        "userInfo": {"username": "ann", "groups": []}, "object": {"spec": {"namespace": "shop", "reason": "outage",
        "digest": format!("sha256:{}", "0".repeat(64)), "requestedBy": "bob", "expires": "2999-01-01T00:00:00Z"}}}});
    assert_eq!(it.post("/break-glass/wrong", review.to_string()).await.0, 401);
    let (status, body) = it.post(&format!("/break-glass/{}", it.secret), review.to_string()).await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &answer["response"]["allowed"]), (200, &json!(false)), "{body}");
    assert!(answer["response"]["status"]["message"].as_str().unwrap().contains("and you are `ann`"), "{body}");
}

#[tokio::test]
async fn metrics_have_a_port_of_their_own() {
    let place = Place::new("Fail").await;
    place.push("app", "1", "x");
    refused(&place.mutate(&pod(&place.image("app:1"))).await, 403, "unsigned");
    let address = "127.0.0.1:0".parse().unwrap();
    let server = cleanbill_admission::MetricsServer::bind(place.admission.metrics(), address).await.unwrap();
    let base = format!("http://{}", server.local_addr().unwrap());
    tokio::spawn(server.run());
    let get = async |path: &str| reqwest::get(format!("{base}{path}")).await.unwrap();
    let text = get("/metrics").await.text().await.unwrap();
    for line in [
        "cleanbill_admission_requests_total{phase=\"mutate\",decision=\"refused\"} 1",
        "cleanbill_admission_verdicts_total{decision=\"refused\",reason=\"unsigned\"} 1",
        "cleanbill_admission_policies 1",
    ] {
        assert!(text.contains(line), "{line} not in {text}");
    }
    assert_eq!(get("/mutate/x/fail").await.status().as_u16(), 404);
}
