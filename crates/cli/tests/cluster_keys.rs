//! Keys in a cluster's Secrets, `k8s://NAMESPACE/NAME`, from a server that answers as an API server does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::{expect, key_pair};

/// Answers each question about a Secret with what `secrets` has under NAMESPACE/NAME.
fn api_server(secrets: Vec<(&'static str, Value)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let question = lines.next().unwrap().unwrap();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let path = question.split(' ').nth(1).unwrap().split('?').next().unwrap().to_owned();
            let found = secrets.iter().find(|(name, _)| {
                let (namespace, name) = name.split_once('/').unwrap();
                path == format!("/api/v1/namespaces/{namespace}/secrets/{name}")
            });
            let (status, body) = match found {
                Some((_, data)) => (
                    "200 OK",
                    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cosign"}, "data": data}),
                ),
                None => (
                    "404 Not Found",
                    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound",
                           "message": "secrets \"x\" not found", "code": 404}),
                ),
            };
            let body = body.to_string();
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
        }
    });
    address
}

fn kubeconfig(home: &Path, server: &str) {
    std::fs::create_dir_all(home.join(".kube")).unwrap();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- name: test\n  cluster:\n    server: http://{server}\n\
         contexts:\n- name: test\n  context:\n    cluster: test\n    user: test\nusers:\n- name: test\n  user: {{}}\n"
    );
    std::fs::write(home.join(".kube/config"), text).unwrap();
}

#[test]
fn a_key_pair_is_read_from_a_secret_with_its_password() {
    let home = tempfile::tempdir().unwrap();
    let output = support::cleanbill(home.path())
        .env("COSIGN_PASSWORD", "of the secret")
        .args(["generate-key-pair", "--output-key-prefix", "kept"])
        .output()
        .unwrap();
    assert!(output.status.success());
    key_pair(home.path(), "cosign");
    let file = |name: &str| STANDARD.encode(std::fs::read(home.path().join(name)).unwrap());
    let server = api_server(vec![
        (
            "keys/kept",
            json!({"cosign.key": file("kept.key"), "cosign.pub": file("kept.pub"),
                   "cosign.password": STANDARD.encode("of the secret")}),
        ),
        ("keys/wrong", json!({"cosign.key": file("kept.key"), "cosign.password": STANDARD.encode("another")})),
        ("keys/public", json!({"cosign.pub": file("kept.pub")})),
        ("keys/empty", json!({})),
    ]);
    kubeconfig(home.path(), &server);
    let refused = |key: &str, part: &str| {
        let (_, err) = expect(home.path(), 2, &["public-key", "--key", key]);
        assert!(err.contains(part), "{key}: {err}");
    };
    let (out, _) = expect(home.path(), 0, &["public-key", "--key", "k8s://keys/kept"]);
    assert_eq!(out, std::fs::read_to_string(home.path().join("kept.pub")).unwrap());
    refused("k8s://keys/wrong", "could not be decrypted");
    refused("k8s://keys/public", "the Secret keys/public has no `cosign.key`; it has cosign.pub");
    refused("k8s://keys/empty", "it has nothing");
    refused("k8s://keys/absent", "could not read the Secret keys/absent");
    refused("k8s://keys", "names no Secret");
    refused("k8s://keys/../kept", "names no Secret");
    refused("vault://x", "keys from `vault://` are not read");
    // A public key is read in the same way: the registry is what fails.
    let verify = |key: &str| expect(home.path(), 2, &["verify", "--key", key, "127.0.0.1:1/app:1"]).1;
    assert!(verify("k8s://keys/kept").contains("127.0.0.1:1"), "{}", verify("k8s://keys/kept"));
    assert!(verify("k8s://keys/wrong").contains("has no `cosign.pub`"));
}
