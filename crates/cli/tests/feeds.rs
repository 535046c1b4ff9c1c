//! A scan without a database fetches what the image needs, from a mirror of the publishers' files; what
//! was fetched is kept when the mirror is gone.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use cleanbill_testkit::image::{ImageBuilder, Layer, debian_layer, jar, log4j_core_jar};
use serde_json::{Value, json};
use support::{cleanbill, expect, text};

/// Files by path; serves them over HTTP until it is dropped, and remembers what was asked for.
struct Mirror {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Mirror {
    fn start(files: BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let Some(Ok(first)) = lines.next() else { continue };
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                heard.lock().unwrap().push(path.clone());
                let (status, body) = match files.get(&path) {
                    Some(body) => ("200 OK", body.clone()),
                    None => ("404 Not Found", Vec::new()),
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"1\"\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        Self { url, asked }
    }
}

fn tracker() -> Vec<u8> {
    let record = json!({"glibc": {"CVE-2024-0001": {"description": "d", "releases": {"bookworm": {
        "status": "resolved", "fixed_version": "2.36-9+deb12u7", "urgency": "high",
        "repositories": {"bookworm": "2.36-9+deb12u7"}}}}}});
    record.to_string().into_bytes()
}

fn maven() -> Vec<u8> {
    let record = json!({"id": "GHSA-jfh8-c2jp-5v3q", "aliases": ["CVE-2021-44228"], "modified": "2026-01-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": "Maven", "name": "org.apache.logging.log4j:log4j-core"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.13.0"}, {"fixed": "2.15.0"}]}]}]});
    jar(&[("GHSA-jfh8-c2jp-5v3q.json", record.to_string().as_bytes())])
}

fn kev() -> Vec<u8> {
    let entry = json!({"cveID": "CVE-2021-44228", "dateAdded": "2021-12-10", "dueDate": "2021-12-24",
        "knownRansomwareCampaignUse": "Known", "vendorProject": "Apache", "product": "Log4j2",
        "vulnerabilityName": "n", "shortDescription": "s", "requiredAction": "a"});
    json!({"title": "CISA Catalog of Known Exploited Vulnerabilities", "catalogVersion": "2026.01.01",
        "dateReleased": "2026-01-01T00:00:00Z", "count": 1, "vulnerabilities": [entry]})
    .to_string()
    .into_bytes()
}

fn files() -> BTreeMap<String, Vec<u8>> {
    let plan = cleanbill_feeds::plan(&["Debian:12".to_owned(), "Maven".to_owned()].into());
    let path = |url: &str| url.strip_prefix("https:/").unwrap().to_owned();
    let body = |source: &str| match source {
        "debian-tracker" => Some(tracker()),
        "osv" => Some(maven()),
        name if name.contains("kev") => Some(kev()),
        _ => None,
    };
    plan.iter().filter_map(|fetch| Some((path(&fetch.url), body(fetch.source)?))).collect()
}

fn image(home: &Path) {
    ImageBuilder::new()
        .layer(debian_layer(&[("libc6", "2.36-9+deb12u4", Some("glibc"))]))
        .layer(Layer::new().file("app/log4j-core.jar", log4j_core_jar("2.14.1")))
        .build()
        .docker_archive(&home.join("image.tar"));
}

#[test]
fn a_scan_fetches_what_the_image_needs_and_keeps_it() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    image(home);
    let mirror = Mirror::start(files());
    let scan = |mirror: &str| {
        let output =
            cleanbill(home).args(["scan", "image.tar", "-o", "json", "--feeds-mirror", mirror]).output().unwrap();
        let said = text(&output.stderr);
        assert!(output.status.success(), "{said}");
        (serde_json::from_slice::<Value>(&output.stdout).unwrap(), said)
    };
    let (said, told) = scan(&mirror.url);
    let found: Vec<_> =
        said["findings"].as_array().unwrap().iter().map(|f| (f["id"].clone(), f["kev"].clone())).collect();
    assert_eq!(found, [(json!("CVE-2024-0001"), Value::Null), (json!("CVE-2021-44228"), json!(true))], "{said}");
    // Publishers are named, and what came without TLS is said to be unauthenticated.
    assert!(told.contains("Debian:12, Maven") && told.contains("not authenticated"), "{told}");
    assert!(told.contains("404"), "what the mirror lacks is told: {told}");
    // What is there is used again; nobody is asked.
    let before = mirror.asked.lock().unwrap().len();
    assert_eq!(scan(&mirror.url).0["findings"], said["findings"]);
    assert_eq!(mirror.asked.lock().unwrap().len(), before);
}

#[test]
fn without_network_and_database_the_ways_out_are_named() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    image(home);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", nobody.local_addr().unwrap());
    drop(nobody);
    let (_, err) = expect(home, 2, &["scan", "image.tar", "--feeds-mirror", &url, "--timeout", "1"]);
    assert!(err.contains("no feed could be fetched") && err.contains("hint: cleanbill db build"), "{err}");
    let (_, err) = expect(home, 2, &["scan", "image.tar", "--offline"]);
    assert!(err.contains("db update") && err.contains("db build"), "{err}");
    let (_, err) = expect(home, 2, &["db", "update", "Plan9"]);
    assert!(err.contains("`Plan9`") && err.contains("hint:"), "{err}");
}

#[test]
fn a_database_goes_from_one_machine_to_another_by_its_digest() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    std::fs::write(home.join("tracker.json"), tracker()).unwrap();
    std::fs::write(home.join("kev.json"), kev()).unwrap();
    expect(home, 0, &["db", "build", "--from", "tracker.json", "kev.json", "--to", "a.db"]);
    let (status, _) = expect(home, 0, &["db", "status", "--db", "a.db", "-o", "json"]);
    let digest = serde_json::from_str::<Value>(&status).unwrap()["digest"].as_str().unwrap().to_owned();
    let (_, err) = expect(home, 2, &["db", "import", "a.db", "--expect", &format!("sha256:{}", "0".repeat(64))]);
    assert!(err.contains("a.db"), "{err}");
    assert!(!home.join(".cache/cleanbill/advisories.db").exists());
    expect(home, 0, &["db", "import", "a.db", "--expect", &format!("sha256:{digest}")]);
    let (found, _) = expect(home, 0, &["db", "search", "cve-2024-0001"]);
    assert!(found.contains("CVE-2024-0001") && found.contains("Debian:12 glibc"), "{found}");
    let (lines, _) = expect(home, 0, &["db", "export"]);
    std::fs::write(home.join("export.jsonl"), lines).unwrap();
    let build = |from: &str, to: &str| {
        let mut command = cleanbill(home);
        command.args(["db", "build", "--from", from, "--to", to]).env("SOURCE_DATE_EPOCH", "1700000000");
        assert!(command.status().unwrap().success());
        std::fs::read(home.join(to)).unwrap()
    };
    let once = build("export.jsonl", "b.db");
    let (lines, _) = expect(home, 0, &["db", "export", "--db", "b.db"]);
    std::fs::write(home.join("again.jsonl"), lines).unwrap();
    assert_eq!(build("again.jsonl", "c.db"), once);
}

#[test]
fn a_base_that_is_named_tells_its_findings_apart_and_settles_its_own() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let metadata = "Metadata-Version: 2.1\nName: requests\nVersion: 2.28.1\n";
    let base = debian_layer(&[("python3-requests", "2.28.1+dfsg-1", Some("requests"))])
        .file(
            "var/lib/dpkg/info/python3-requests.list",
            "/usr/lib/python3/dist-packages/requests-2.28.1.dist-info/METADATA\n",
        )
        .file("usr/lib/python3/dist-packages/requests-2.28.1.dist-info/METADATA", metadata);
    ImageBuilder::new().layer(base.clone()).build().docker_archive(&home.join("base.tar"));
    let app = Layer::new().file("opt/requests-2.28.1.dist-info/METADATA", metadata);
    ImageBuilder::new().layer(base).layer(app).build().docker_archive(&home.join("app.tar"));
    let osv = json!({"id": "GHSA-1", "aliases": ["CVE-2023-32681"], "modified": "2026-01-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "requests"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.31.0"}]}]}]});
    std::fs::write(home.join("osv.json"), osv.to_string()).unwrap();
    let debian = json!({"requests": {"CVE-2023-32681": {"releases": {"bookworm": {"status": "resolved",
        "fixed_version": "2.28.1+dfsg-1", "urgency": "low", "repositories": {"bookworm": "2.28.1+dfsg-1"}}}}}});
    std::fs::write(home.join("debian.json"), debian.to_string()).unwrap();
    expect(home, 0, &["db", "build", "--from", "osv.json", "debian.json", "--to", "a.db"]);
    let findings = |flags: &[&str]| {
        let (said, _) = expect(home, 0, &[&["scan", "app.tar", "--db", "a.db", "-o", "json"], flags].concat());
        let said: Value = serde_json::from_str(&said).unwrap();
        let of = |f: &Value| {
            (
                f["location"]["path"].as_str().unwrap().to_owned(),
                f["location"]["introduced_by"].clone(),
                !f["suppressed"].is_null(),
            )
        };
        said["findings"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let own = "usr/lib/python3/dist-packages/requests-2.28.1.dist-info/METADATA".to_owned();
    let other = "opt/requests-2.28.1.dist-info/METADATA".to_owned();
    let without = findings(&[]);
    assert_eq!(without, [(other.clone(), json!("image"), false), (own.clone(), json!("image"), false)]);
    let with = findings(&["--base", "base.tar"]);
    assert_eq!(with, [(other, json!("image"), false), (own, json!("base"), true)]);
    let (said, _) = expect(home, 0, &["scan", "app.tar", "--db", "a.db", "--explain", "CVE-2023-32681"]);
    assert!(said.contains("requests 2.28.1 is affected by osv GHSA-1"), "{said}");
    assert!(said.contains("python3-requests 2.28.1+dfsg-1 is not affected by debian-tracker"), "{said}");
}

#[test]
fn words_for_shells_and_pages() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "fish", "zsh"] {
        let (script, _) = expect(home.path(), 0, &["completions", shell]);
        assert!(script.contains("cleanbill") && script.contains("fail-on"), "{shell}");
    }
    let (page, _) = expect(home.path(), 0, &["man"]);
    assert!(page.contains(".TH cleanbill") && page.contains("\\-\\-fail\\-on"), "{page}");
}
