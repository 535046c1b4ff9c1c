//! A real cluster, a registry and `cleanbill up` between them.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use cleanbill_testkit::components::kube::Cluster;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{cleanbill, expect, run, text};

/// How long something that must come true may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `cleanbill up`. Killed when dropped.
pub struct Up {
    pub child: Child,
    pub hub: String,
    pub admission: Option<String>,
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Up {
    /// Asks it to end and waits until it has.
    pub fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "up ended with {status}");
    }
}

/// A cluster and a home for the user who watches it.
pub struct Fleet {
    pub home: TempDir,
    pub cluster: Cluster,
    /// Further arguments of `up`.
    pub args: Vec<String>,
    /// Where the webhook listens.
    pub admission: String,
}

impl Fleet {
    pub fn new(nodes: usize) -> Self {
        let cluster = Cluster::start(nodes).expect("a cluster starts");
        Self { home: tempfile::tempdir().unwrap(), cluster, args: Vec::new(), admission: "127.0.0.1:0".to_owned() }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn data(&self) -> PathBuf {
        self.home().join("data")
    }

    /// Starts `cleanbill up` and waits until it says that it is ready.
    pub fn up(&self) -> Up {
        let mut command = cleanbill(self.home());
        command.args([
            "up",
            "--ready-json",
            "--listen",
            "127.0.0.1:0",
            "--admission",
            &self.admission,
            "--context",
            "test",
        ]);
        command.arg("--kubeconfig").arg(self.cluster.kubeconfig()).arg("--data-dir").arg(self.data());
        command.args(&self.args).stdout(Stdio::piped());
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.home().join("up.log")).unwrap();
        let mut child = command.stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("not ready: {line:?}\n{}", self.log()));
        Up {
            child,
            hub: ready["hub"].as_str().unwrap().to_owned(),
            admission: ready["admission"].as_str().map(str::to_owned),
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home().join("up.log")).unwrap_or_default()
    }

    /// `cleanbill` on this fleet's data directory.
    pub fn ask(&self, args: &[&str]) -> Value {
        let data = self.data();
        let mut all = args.to_vec();
        all.extend(["-o", "json", "--data-dir", data.to_str().unwrap()]);
        let (out, _) = expect(self.home(), 0, &all);
        serde_json::from_str(&out).unwrap()
    }

    /// The pods that `where` answers with: namespace/name.
    pub fn pods_where(&self, query: &str) -> BTreeSet<String> {
        pods(&self.ask(&["where", query])["matches"])
    }

    /// Applies the webhook configurations as they are printed for this mode.
    pub fn install(&self, admission: &str, mode: &str) {
        let data = self.data();
        let (manifest, _) = expect(
            self.home(),
            0,
            &["admission", "manifest", "--url", admission, "--mode", mode, "--data-dir", data.to_str().unwrap()],
        );
        let file = self.home().join("webhooks.yaml");
        std::fs::write(&file, manifest).unwrap();
        self.kubectl_ok(&["apply", "-f", file.to_str().unwrap()]);
    }

    /// Applies the webhook configurations and waits until the API server acts on them.
    pub fn enforce(&self, admission: &str, unsigned_image: &str) {
        self.install(admission, "enforce");
        eventually("the webhooks act", || {
            let output = self.kubectl(&["run", "probe", "--image", unsigned_image, "--dry-run=server"]);
            (!output.status.success()).then_some(())
        });
    }

    pub fn kubectl(&self, args: &[&str]) -> Output {
        self.cluster.kubectl(args)
    }

    #[track_caller]
    pub fn kubectl_ok(&self, args: &[&str]) -> String {
        let output = self.kubectl(args);
        assert!(output.status.success(), "kubectl {}: {}\n{}", args.join(" "), text(&output.stderr), self.log());
        text(&output.stdout)
    }

    /// kubectl must be refused; gives what it said.
    #[track_caller]
    pub fn kubectl_refused(&self, args: &[&str]) -> String {
        let output = self.kubectl(args);
        assert!(!output.status.success(), "kubectl {} was let in\n{}", args.join(" "), self.log());
        text(&output.stderr)
    }

    /// Creates an object from JSON.
    pub fn create(&self, object: &Value) -> Output {
        let file = self.home().join("object.json");
        std::fs::write(&file, object.to_string()).unwrap();
        self.kubectl(&["create", "-f", file.to_str().unwrap()])
    }

    /// The running pods that the API server shows and `keep` keeps: namespace/name.
    pub fn pods_of_api(&self, keep: impl Fn(&Value) -> bool) -> BTreeSet<String> {
        let list: Value = serde_json::from_str(&self.kubectl_ok(&["get", "pods", "-A", "-o", "json"])).unwrap();
        let items = list["items"].as_array().unwrap();
        items
            .iter()
            .filter(|p| keep(p))
            .map(|p| format!("{}/{}", word(&p["metadata"]["namespace"]), word(&p["metadata"]["name"])))
            .collect()
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The pods of a list of matches or of an alert: namespace/name.
pub fn pods(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().unwrap();
    list.iter().map(|m| format!("{}/{}", word(&m["namespace"]), word(&m["pod"]))).collect()
}

/// A Pod with one container; `annotations` tell the fake node which image id to report.
pub fn pod(name: &str, image: &str, annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "annotations": annotations},
        "spec": {"containers": [{"name": "main", "image": image}]},
    })
}

/// Looks again and again until `check` has an answer.
#[track_caller]
pub fn eventually<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = check() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "did not come true: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Looks until two sets are equal; says both if they never are.
#[track_caller]
pub fn eventually_equal(
    what: &str,
    mut expected: impl FnMut() -> BTreeSet<String>,
    mut actual: impl FnMut() -> BTreeSet<String>,
) {
    let start = Instant::now();
    loop {
        let (e, a) = (expected(), actual());
        if e == a {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{what}: expected {e:?}, have {a:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Runs `cleanbill` where only success counts.
pub fn succeeds(home: &Path, args: &[&str]) -> bool {
    run(home, args).status.success()
}
