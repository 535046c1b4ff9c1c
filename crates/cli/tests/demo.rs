//! `up --demo`: what a newcomer sees first, on the command line and in the browser.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use cleanbill_testkit::components::Component;
use cleanbill_testkit::components::harness::{self, plain_test, real_test};
use serde_json::Value;
use support::{cleanbill, expect};

fn main() -> std::process::ExitCode {
    let plain = |name: &str, test: fn()| {
        plain_test(name, move || {
            test();
            Ok(())
        })
    };
    harness::main(vec![
        plain("the_question_is_answered_on_the_command_line", command_line),
        plain("pages_want_a_login_that_works_once", login),
        plain("the_data_directory_has_one_owner", one_owner),
        real_test("the_answer_is_a_page_that_a_browser_shows", &[Component::Chromium], || {
            browser();
            Ok(())
        }),
    ])
}

struct Demo {
    child: Child,
    hub: String,
    login: String,
    token: String,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Demo {
    fn start(home: &Path) -> Self {
        let mut child = cleanbill(home)
            .args(["up", "--demo", "--listen", "127.0.0.1:0", "--ready-json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not ready: {line:?}"));
        let mut login = String::new();
        for said in BufReader::new(child.stderr.take().unwrap()).lines() {
            let said = said.unwrap();
            if let Some(link) = said.strip_prefix("open ") {
                link.clone_into(&mut login);
                break;
            }
        }
        let token = std::fs::read_to_string(ready["token_file"].as_str().unwrap()).unwrap().trim().to_owned();
        Self { child, hub: ready["hub"].as_str().unwrap().to_owned(), login, token }
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> String {
        self.send("GET", path, headers)
    }

    /// Sends a request over a plain connection: status line, headers and body as text.
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let host = self.hub.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request.push_str(&format!("Host: {host}\r\n"));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all((request + "\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

fn command_line() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let _demo = Demo::start(home);
    for query in [
        "CVE-2021-44228",
        "GHSA-jfh8-c2jp-5v3q",
        "log4j-core < 2.17.1",
        "pkg:maven/org.apache.logging.log4j/log4j-core",
    ] {
        let (out, _) = expect(home, 0, &["where", query, "-o", "json"]);
        let answer: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(answer["counts"]["pods"], 3, "{query}: {out}");
        assert_eq!(answer["coverage"]["images"], 3);
    }
    let (out, _) = expect(home, 0, &["where", "CVE-2021-44228"]);
    assert!(out.contains("cart-6d8f7c-8xk2p") && out.contains("log4j-core"), "{out}");
    let (out, _) = expect(home, 0, &["where", "CVE-2024-2961"]);
    assert!(out.contains("cart") && !out.contains("ledger"), "only the old glibc: {out}");
    let (_, err) = expect(home, 2, &["where", "log4j-core <"]);
    assert!(err.contains("hint:"), "{err}");
    let (out, _) = expect(home, 0, &["where", "pkg:npm/left-pad"]);
    assert!(out.contains("no ") || out.contains("0 "), "{out}");
}

fn login() {
    let home = tempfile::tempdir().unwrap();
    let demo = Demo::start(home.path());
    assert_eq!(status(&demo.get("/", &[])), "401");
    assert_eq!(status(&demo.get("/api/v1/where?q=CVE-2021-44228", &[])), "401");
    assert_eq!(status(&demo.get("/api/v1/where?q=CVE-2021-44228", &[("Authorization", "Bearer wrong")])), "401");
    let bearer = format!("Bearer {}", demo.token);
    assert_eq!(status(&demo.get("/api/v1/where?q=CVE-2021-44228", &[("Authorization", &bearer)])), "200");
    // A81: a name that somebody else resolves to this machine.
    let rebound = demo.get("/api/v1/where?q=x", &[("Authorization", &bearer), ("Host", "evil.example")]);
    assert_eq!(status(&rebound), "403");
    // A81: another site makes the browser send a change.
    let ack = |site: &[(&str, &str)]| {
        let headers: Vec<_> =
            [("Authorization", bearer.as_str()), ("Content-Length", "0")].iter().chain(site).copied().collect();
        status(&demo.send("POST", "/api/v1/alerts/abc/ack", &headers)).to_owned()
    };
    assert_eq!(ack(&[("Origin", "http://evil.example")]), "403");
    assert_eq!(ack(&[("Sec-Fetch-Site", "cross-site")]), "403");
    assert_eq!(ack(&[]), "404", "the command line may ask; there is no such alert");

    let path = demo.login.strip_prefix(&demo.hub).expect("the link leads to the hub").to_owned();
    let answer = demo.get(&path, &[]);
    assert!(["302", "303"].contains(&status(&answer)), "{answer}");
    let cookie =
        answer.lines().find_map(|l| l.to_ascii_lowercase().starts_with("set-cookie: ").then(|| &l[12..])).unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let page = demo.get("/admissions", &[("Cookie", cookie)]);
    assert!(page.contains("1 request refused") && page.contains("signed by another key"), "{page}");
    let page = demo.get("/search?q=CVE-2021-44228", &[("Cookie", cookie)]);
    assert_eq!(status(&page), "200");
    assert!(page.contains("3 pods") && page.contains("cart-6d8f7c-8xk2p"), "{page}");
    assert!(page.to_ascii_lowercase().contains("content-security-policy"), "{page}");
    assert!(!["302", "303"].contains(&status(&demo.get(&path, &[]))), "the link works once");
}

fn one_owner() {
    let home = tempfile::tempdir().unwrap();
    let _demo = Demo::start(home.path());
    let (_, err) = expect(home.path(), 2, &["up", "--demo", "--listen", "127.0.0.1:0"]);
    assert!(err.contains("in use"), "{err}");
}

fn browser() {
    let home = tempfile::tempdir().unwrap();
    let demo = Demo::start(home.path());
    let link = format!("{}&next=%2Fsearch%3Fq%3Dlog4j-core%2520%253C%25202.17.1", demo.login);
    let output = cleanbill_testkit::components::browser::page(&link).unwrap();
    let page = String::from_utf8_lossy(&output.stdout);
    assert!(page.contains("3 pods") && page.contains("cart-6d8f7c-8xk2p"), "{page}");
}
