//! Real registries of one test, each on a port of its own with storage of its own: [`Olareg`] with the
//! referrers API, [`Distribution`] without (a client must use the fallback tag). Both speak plain
//! HTTP on the loopback and ask for no credentials.

use super::owned::Owned;
use super::{Component, StartError, find, tail};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;
use tempfile::TempDir;

/// A registry with the referrers API, storage in memory.
#[derive(Debug)]
pub struct Olareg(Server);

impl Olareg {
    /// Starts one.
    pub fn start() -> Result<Self, StartError> {
        Self::start_with(&[])
    }

    /// Starts one with further arguments of `olareg serve`, such as `--rate-limit 5`.
    pub fn start_with(arguments: &[&str]) -> Result<Self, StartError> {
        let server = Server::start(Component::Olareg, &[], |port, _| {
            let port = port.to_string();
            let fixed = ["serve", "--addr", "127.0.0.1", "--port", &port, "--store-type", "mem"];
            Ok(fixed.iter().chain(arguments).map(ToString::to_string).collect())
        })?;
        Ok(Self(server))
    }

    /// `127.0.0.1:PORT`, as it stands in a reference.
    pub fn host(&self) -> &str {
        &self.0.host
    }
}

/// A registry without the referrers API, storage in a temporary folder, deletion allowed.
#[derive(Debug)]
pub struct Distribution(Server);

impl Distribution {
    /// Starts one.
    pub fn start() -> Result<Self, StartError> {
        let quiet = [("OTEL_TRACES_EXPORTER", "none")];
        let server = Server::start(Component::Distribution, &quiet, |port, folder| {
            let file = folder.join("config.yml");
            fs::write(&file, distribution_config(port, &folder.join("storage")))?;
            Ok(vec!["serve".into(), file.display().to_string()])
        })?;
        Ok(Self(server))
    }

    /// `127.0.0.1:PORT`, as it stands in a reference.
    pub fn host(&self) -> &str {
        &self.0.host
    }
}

fn distribution_config(port: u16, storage: &Path) -> String {
    format!(
        "version: 0.1\n\
         log: {{level: error}}\n\
         storage:\n  filesystem: {{rootdirectory: '{}'}}\n  delete: {{enabled: true}}\n\
         http: {{addr: '127.0.0.1:{port}'}}\n",
        storage.display()
    )
}

/// How long to wait for a registry that has just been started: so many tries, a pause after each.
const TRIES: u32 = 600;
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug)]
struct Server {
    host: String,
    // Before the folder: the program ends before its storage goes.
    _program: Owned,
    _folder: TempDir,
}

impl Server {
    fn start(
        component: Component,
        environment: &[(&str, &str)],
        arguments: impl Fn(u16, &Path) -> io::Result<Vec<String>>,
    ) -> Result<Self, StartError> {
        let program = find(component)?;
        let failed = |error: io::Error| StartError::failed(component, error);
        let mut why = String::new();
        // Another program may take the port between its choice and its use.
        for _ in 0..3 {
            let folder = tempfile::Builder::new().prefix("cleanbill-registry-").tempdir().map_err(failed)?;
            let log = folder.path().join("log");
            let port = free_port().map_err(failed)?;
            let arguments = arguments(port, folder.path()).map_err(failed)?;
            let mut running =
                Owned::start(&program, arguments, environment, File::create(&log).map_err(failed)?).map_err(failed)?;
            match wait_until_ready(&mut running, port).map_err(failed)? {
                None => return Ok(Self { host: format!("127.0.0.1:{port}"), _program: running, _folder: folder }),
                Some(ended) => why = format!("{ended}\n{}", tail(&fs::read(&log).unwrap_or_default())),
            }
        }
        Err(StartError::failed(component, why))
    }
}

/// `None` when it answers, its exit status when it ended.
fn wait_until_ready(running: &mut Owned, port: u16) -> io::Result<Option<ExitStatus>> {
    for _ in 0..TRIES {
        if let Some(status) = running.ended()? {
            return Ok(Some(status));
        }
        if answers(port) {
            return Ok(None);
        }
        std::thread::sleep(PAUSE);
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, format!("127.0.0.1:{port} did not answer /v2/")))
}

/// Whether something answers `GET /v2/` there with a success.
fn answers(port: u16) -> bool {
    let ask = || -> io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), PAUSE * 20)?;
        stream.set_read_timeout(Some(PAUSE * 20))?;
        write!(stream, "GET /v2/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        Ok(String::from_utf8_lossy(&start).into_owned())
    };
    // 429: it was told to limit the rate, and it is there.
    ask().is_ok_and(|start| start.ends_with(" 200") || start.ends_with(" 429"))
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
