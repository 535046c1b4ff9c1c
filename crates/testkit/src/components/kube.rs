//! A Kubernetes cluster of one test: a real API server with etcd, controllers, scheduler and fake
//! nodes, started by `crates/testkit/real/kube/up`. Pods become Running though nothing runs; the
//! image id a Pod reports can be set with the annotation `cleanbill.test/image-id.CONTAINER`.
//!
//! All calls block. A test whose own server must answer meanwhile (a webhook) keeps that server on
//! another thread.

use super::{Component, StartError, find, scripts, tail};
use std::collections::HashMap;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};

/// A running cluster; stopped and removed when dropped or when this process dies.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    kubeconfig: PathBuf,
    kubectl: PathBuf,
    server: String,
    authority: PathBuf,
    token: String,
}

impl Cluster {
    /// Starts a cluster with `nodes` fake nodes. With 0 there are no controllers either: API server
    /// only, Pods stay Pending.
    pub fn start(nodes: usize) -> Result<Self, StartError> {
        Self::start_with(nodes, &[])
    }

    /// [`Cluster::start`] with further arguments of `up`, such as `--audit`.
    pub fn start_with(nodes: usize, arguments: &[&str]) -> Result<Self, StartError> {
        find(Component::Kube)?;
        let output = Command::new(scripts().join("kube/up"))
            .args(["--nodes", &nodes.to_string(), "--owner", &std::process::id().to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| StartError::failed(Component::Kube, format!("kube/up cannot be run: {error}")))?;
        if !output.status.success() {
            return Err(StartError::failed(Component::Kube, tail(&output.stderr)));
        }
        let said = exports(&String::from_utf8_lossy(&output.stdout));
        let value = |name: &str| {
            said.get(name)
                .cloned()
                .ok_or_else(|| StartError::failed(Component::Kube, format!("kube/up said no {name}")))
        };
        Ok(Self {
            folder: value("KUBE_TEST_DIR")?.into(),
            kubeconfig: value("KUBECONFIG")?.into(),
            kubectl: Path::new(&value("KUBE_TEST_BIN")?).join("kubectl"),
            server: value("KUBE_TEST_SERVER")?,
            authority: value("KUBE_TEST_CA")?.into(),
            token: value("KUBE_TEST_TOKEN")?,
        })
    }

    /// The administrator's kubeconfig; its one context is `test`.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The folder of the cluster: logs under `log/`, `audit.log` where it was asked for.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The program `kubectl` of the cluster's version.
    pub fn kubectl_program(&self) -> &Path {
        &self.kubectl
    }

    /// The API server's URL.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The file of the certificate authority that signed the API server's certificate.
    pub fn authority(&self) -> &Path {
        &self.authority
    }

    /// The administrator's bearer token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Runs kubectl. One that cannot be started is reported as exit status 127 with the reason on stderr.
    pub fn kubectl(&self, arguments: &[&str]) -> Output {
        self.kubectl_with(arguments, "")
    }

    /// Runs kubectl with `input` on its standard input, as in `apply -f -`.
    pub fn kubectl_with(&self, arguments: &[&str], input: &str) -> Output {
        self.run(arguments, input).unwrap_or_else(|error| Output {
            status: ExitStatus::from_raw(127 << 8),
            stdout: Vec::new(),
            stderr: format!("{}: {error}", self.kubectl.display()).into_bytes(),
        })
    }

    /// Creates or changes the objects of `manifest` (YAML or JSON); an error says what kubectl said.
    pub fn apply(&self, manifest: &str) -> Result<String, String> {
        said(&self.kubectl_with(&["apply", "-f", "-"], manifest))
    }

    /// Runs kubectl and gives what it printed; an error says what it said on stderr.
    pub fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        said(&self.kubectl(arguments))
    }

    fn run(&self, arguments: &[&str], input: &str) -> io::Result<Output> {
        let mut child = Command::new(&self.kubectl)
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", &self.folder) // kubectl keeps a cache there
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pipe = child.stdin.take();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // A kubectl that does not read its input closes the pipe: not an error of the test.
                pipe.map(|mut pipe| pipe.write_all(input.as_bytes()))
            });
            child.wait_with_output()
        })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = Command::new(scripts().join("kube/down"))
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

fn said(output: &Output) -> Result<String, String> {
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// The values of `export NAME=VALUE` lines, quoted as bash's `printf %q` quotes ordinary paths.
fn exports(text: &str) -> HashMap<String, String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| (name.to_owned(), unquote(value)))
        .collect()
}

fn unquote(value: &str) -> String {
    let mut text = String::new();
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_read() {
        let said = exports("export A=/tmp/kube.x\nnoise\nexport B=/tmp/a\\ b=c\n");
        assert_eq!(said["A"], "/tmp/kube.x");
        assert_eq!(said["B"], "/tmp/a b=c");
        assert_eq!(said.len(), 2);
    }
}
