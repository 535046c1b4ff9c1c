//! Who is told what: Basic, tokens, and attack A41.
#![allow(clippy::unwrap_used)]

use cleanbill_oci::{Client, ClientOptions, Credentials, ErrorKind};
use cleanbill_testkit::{Auth, BuiltImage, ImageBuilder, Layer, Registry, RegistryOptions};

fn image() -> BuiltImage {
    ImageBuilder::new().layer(Layer::new().file("a", "b")).build()
}

async fn start(auth: Auth) -> Registry {
    let registry = Registry::start(RegistryOptions { auth, ..RegistryOptions::default() }).await;
    registry.put("app", &image(), "1");
    registry
}

fn basic() -> Auth {
    Auth::Basic { user: "u".to_owned(), password: "p:w".to_owned() }
}

fn token() -> Auth {
    Auth::Token { user: "u".to_owned(), password: "p:w".to_owned() }
}

fn client(registry: &Registry, password: &str) -> Client {
    let credentials = Credentials::default().with_login(&registry.host(), "u", password);
    Client::new(ClientOptions { credentials, retries: 0, ..ClientOptions::default() }).unwrap()
}

fn anonymous() -> Client {
    Client::new(ClientOptions { retries: 0, ..ClientOptions::default() }).unwrap()
}

#[tokio::test]
async fn basic_credentials_are_sent_when_they_are_asked_for() {
    let registry = start(basic()).await;
    let client = client(&registry, "p:w");
    client.image(&registry.reference("app:1"), None).await.unwrap();
    let sent: Vec<bool> = registry.requests().into_iter().map(|r| r.has_authorization).collect();
    assert_eq!(sent, [false, true, true, true][..sent.len()], "a challenge first, then never again");
    assert_eq!(sent.len(), 3);
}

#[tokio::test]
async fn wrong_or_no_credentials_are_unauthorized_with_a_hint_and_without_the_secret() {
    for auth in [basic(), token()] {
        let registry = start(auth).await;
        for client in [client(&registry, "wrong-secret"), anonymous()] {
            let error = client.document(&registry.reference("app:1")).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
            assert!(error.why.contains("401") && !error.to_string().contains("wrong-secret"), "{error}");
            client.ping(&registry.reference("app")).await.unwrap();
        }
    }
    let registry = start(basic()).await;
    let error = anonymous().document(&registry.reference("app:1")).await.unwrap_err();
    assert!(error.why.contains("hint: log in") && error.why.contains("does not exist"), "{error}");
}

#[tokio::test]
async fn a_token_is_asked_for_once_a_scope() {
    let registry = start(token()).await;
    let client = client(&registry, "p:w");
    let reference = registry.reference("app:1");
    client.image(&reference, None).await.unwrap();
    client.resolve(&reference).await.unwrap();
    client.push_blob(&reference, "x/y", b"new".to_vec()).await.unwrap();
    let tokens: Vec<String> =
        registry.requests().into_iter().filter(|r| r.path.starts_with("/token")).map(|r| r.path).collect();
    assert_eq!(tokens.len(), 2, "{tokens:?}");
    assert!(tokens[0].contains("scope=repository%3Aapp%3Apull") && !tokens[0].contains("push"), "{tokens:?}");
    assert!(tokens[1].contains("scope=repository%3Aapp%3Apull%2Cpush"), "{tokens:?}");
}

#[tokio::test]
async fn an_identity_token_is_traded_for_an_access_token() {
    let registry = start(token()).await;
    let config =
        format!(r#"{{"auths": {{"{}": {{"identitytoken": "{}"}}}}}}"#, registry.host(), registry.identity_token());
    let credentials = Credentials::parse("config.json", &config).unwrap();
    let client = Client::new(ClientOptions { credentials, ..ClientOptions::default() }).unwrap();
    client.document(&registry.reference("app:1")).await.unwrap();
    assert!(registry.requests().iter().any(|r| r.method == "POST" && r.path == "/token"));
}

#[tokio::test]
async fn credentials_of_a_file_are_found_by_host_and_port() {
    let registry = start(basic()).await;
    let folder = std::env::temp_dir().join(format!("cleanbill-oci-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("config.json");
    // u:p:w
    std::fs::write(&path, format!(r#"{{"auths": {{"http://{}/v2/": {{"auth": "dTpwOnc="}}}}}}"#, registry.host()))
        .unwrap();
    let credentials = Credentials::load(&path).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let client = Client::new(ClientOptions { credentials, ..ClientOptions::default() }).unwrap();
    client.document(&registry.reference("app:1")).await.unwrap();
    let error = Credentials::load(&path).unwrap_err();
    assert!(error.to_string().contains("config.json"), "{error}");
}

#[tokio::test]
async fn a41_credentials_do_not_follow_a_redirect_to_another_host() {
    for auth in [basic(), token()] {
        let registry = start(auth).await;
        let other = start(Auth::None).await;
        registry.faults().redirect_blobs(Some(&format!("http://{}", other.host())));
        let client = client(&registry, "p:w");
        let layer = &image().layers[0];
        client.blob(&registry.reference("app:1"), &layer.digest, 1 << 20).await.unwrap();
        assert!(registry.requests().iter().any(|r| r.has_authorization && r.status == 307));
        let seen = other.requests();
        assert_eq!(seen.len(), 1);
        assert!(seen.iter().all(|r| !r.has_authorization), "{seen:?}");
    }
}

#[tokio::test]
async fn a41_a_host_reached_by_redirect_cannot_ask_for_credentials() {
    let registry = start(basic()).await;
    let other = start(basic()).await;
    registry.faults().redirect_blobs(Some(&format!("http://{}", other.host())));
    let client = client(&registry, "p:w");
    let error = client.blob(&registry.reference("app:1"), &image().layers[0].digest, 1 << 20).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(other.requests().iter().all(|r| !r.has_authorization));
}

#[tokio::test]
async fn a41_a_foreign_token_service_is_asked_without_credentials() {
    let registry = start(token()).await;
    let thief = start(token()).await;
    registry.faults().realm(Some(&format!("http://{}/token", thief.host())));
    let error = client(&registry, "p:w").document(&registry.reference("app:1")).await.unwrap_err();
    let seen = thief.requests();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen.iter().all(|r| !r.has_authorization), "{seen:?}");
    assert!(!error.to_string().contains("p:w"), "{error}");
}

#[tokio::test]
async fn a41_a_token_service_without_tls_elsewhere_is_not_asked() {
    let registry = start(token()).await;
    registry.faults().realm(Some("http://auth.example.com/token"));
    let error = client(&registry, "p:w").document(&registry.reference("app:1")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert!(error.why.contains("auth.example.com without TLS"), "{error}");
}

#[tokio::test]
async fn a41_an_upload_elsewhere_is_sent_without_credentials() {
    let registry = start(basic()).await;
    let other = start(Auth::None).await;
    registry.faults().upload_location(Some(&format!("http://{}/v2/app/blobs/uploads/9?_state=x", other.host())));
    let result = client(&registry, "p:w").push_blob(&registry.reference("app:1"), "x/y", b"new".to_vec()).await;
    assert_eq!(result.unwrap_err().kind, ErrorKind::NotFound, "the other host knows of no upload");
    let seen = other.requests();
    assert!(!seen.is_empty() && seen.iter().all(|r| !r.has_authorization), "{seen:?}");
}
