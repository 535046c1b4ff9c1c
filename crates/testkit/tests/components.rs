//! The starters of real components, tried on the components: each starts, answers and is gone after.
#![allow(clippy::unwrap_used)]

use cleanbill_testkit::components::harness::{self, Failed};
use cleanbill_testkit::components::kube::Cluster;
use cleanbill_testkit::components::registry::{Distribution, Olareg};
use cleanbill_testkit::components::{Component, browser, cosign};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;

fn main() -> ExitCode {
    use Component::{Chromium, Cosign, Distribution, Kube, Olareg};
    harness::main(vec![
        harness::real_test("olareg answers with the referrers API", &[Olareg], olareg_has_referrers),
        harness::real_test("distribution answers without the referrers API", &[Distribution], distribution_has_none),
        harness::real_test("cosign makes a key pair", &[Cosign], cosign_makes_a_key_pair),
        harness::real_test("a cluster runs a pod and is gone after", &[Kube], a_cluster_runs_a_pod),
        harness::real_test("the browser draws a page", &[Chromium], the_browser_draws),
    ])
}

const NO_SUCH_DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Status code and body of a GET.
fn get(host: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn referrers(host: &str) -> (u16, String) {
    get(host, &format!("/v2/some/app/referrers/{NO_SUCH_DIGEST}"))
}

fn olareg_has_referrers() -> Result<(), Failed> {
    let registry = Olareg::start()?;
    let host = registry.host().to_owned();
    let (status, body) = referrers(&host);
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("application/vnd.oci.image.index.v1+json"), "{body}");
    drop(registry);
    assert!(TcpStream::connect(&host).is_err(), "{host} still answers");
    Ok(())
}

fn distribution_has_none() -> Result<(), Failed> {
    let registry = Distribution::start()?;
    assert_eq!(get(registry.host(), "/v2/").0, 200);
    assert_eq!(referrers(registry.host()).0, 404);
    let host = registry.host().to_owned();
    drop(registry);
    assert!(TcpStream::connect(&host).is_err(), "{host} still answers");
    Ok(())
}

fn cosign_makes_a_key_pair() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let cosign = cosign::cosign("secret")?;
    let output = cosign.generate_key_pair(folder.path())?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::read_to_string(folder.path().join("cosign.pub"))?.starts_with("-----BEGIN PUBLIC KEY-----"));
    // The flag that version 3 brought: the starters' arguments are for it.
    let help = cosign.run(folder.path(), &["sign", "--help"])?;
    assert!(String::from_utf8_lossy(&help.stdout).contains("--use-signing-config"));
    Ok(())
}

const POD: &str = r#"
apiVersion: v1
kind: Pod
metadata:
  name: one
  annotations: {cleanbill.test/image-id.app: "registry.example/app@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
spec:
  containers: [{name: app, image: "registry.example/app:1"}]
"#;

fn a_cluster_runs_a_pod() -> Result<(), Failed> {
    let cluster = Cluster::start(1)?;
    cluster.apply(POD)?;
    cluster.ask(&["wait", "pod/one", "--for=condition=Ready", "--timeout=60s"])?;
    let id = cluster.ask(&["get", "pod/one", "-o", "jsonpath={.status.containerStatuses[0].imageID}"])?;
    assert_eq!(id, format!("registry.example/app@{NO_SUCH_DIGEST}"));
    assert!(cluster.ask(&["get", "pod/two"]).unwrap_err().contains("not found"));
    let folder = cluster.folder().to_owned();
    let address = cluster.server().trim_start_matches("https://").to_owned();
    drop(cluster);
    assert!(!folder.exists(), "{} is still there", folder.display());
    assert!(TcpStream::connect(&address).is_err(), "{address} still answers");
    Ok(())
}

fn the_browser_draws() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let picture = folder.path().join("page.png");
    let output = browser::screenshot("data:text/html,<h1>pods</h1>", &picture, 400, 300)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(std::fs::read(&picture)?.starts_with(b"\x89PNG"), "{said}");
    let page = browser::page("data:text/html,<script>document.write(6*7)</script>")?;
    assert!(String::from_utf8_lossy(&page.stdout).contains("42"));
    Ok(())
}
