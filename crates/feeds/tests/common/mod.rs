//! A file server that does as it is told: scripted answers by path, and a note of every request.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cleanbill_feeds::{FeedError, Feeds, FeedsOptions, Fetch, Outcome, Pause, Progress, Quiet, Url, plan};
use cleanbill_model::Timestamp;
use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// `Content-Length`, where it is not that of the body; `None` states none.
    pub length: Option<usize>,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self { status, headers: Vec::new(), length: Some(body.len()), body }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// States a length that is not the body's.
    pub fn claims(mut self, length: usize) -> Self {
        self.length = Some(length);
        self
    }

    /// States no length: the body ends with the connection.
    pub fn open_ended(mut self) -> Self {
        self.length = None;
        self
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub headers: BTreeMap<String, String>,
}

#[derive(Default)]
struct State {
    answers: BTreeMap<String, VecDeque<Answer>>,
    asked: Vec<Asked>,
}

/// The server; ends with the test's runtime.
pub struct Server {
    pub base: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { base, state }
    }

    /// Answers a path in this order; the last answer is given again and again.
    pub fn script(&self, path: &str, answers: Vec<Answer>) {
        self.state.lock().unwrap().answers.insert(path.to_owned(), answers.into());
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// The value of a header in the last request.
    pub fn last(&self, header: &str) -> Option<String> {
        self.asked().last()?.headers.get(header).cloned()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|w| w == b"\r\n\r\n") {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = text.split("\r\n");
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let answer = {
        let mut state = state.lock().unwrap();
        state.asked.push(Asked { path: path.clone(), headers });
        match state.answers.get_mut(&path) {
            Some(answers) if answers.len() > 1 => answers.pop_front().unwrap(),
            Some(answers) => answers[0].clone(),
            None => Answer::new(404, "not here"),
        }
    };
    let mut out = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(length) = answer.length {
        out.push_str(&format!("Content-Length: {length}\r\n"));
    }
    out.push_str("\r\n");
    let mut out = out.into_bytes();
    out.extend_from_slice(&answer.body);
    let _ = stream.write_all(&out).await;
    let _ = stream.shutdown().await;
}

/// Notes the pauses and does not wait.
#[derive(Default)]
pub struct Noted(Mutex<Vec<Duration>>);

impl Noted {
    pub fn seconds(&self) -> Vec<u64> {
        self.0.lock().unwrap().iter().map(Duration::as_secs).collect()
    }
}

impl Pause for Noted {
    fn pause(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.0.lock().unwrap().push(time);
        Box::pin(tokio::task::yield_now())
    }
}

/// Notes what it hears.
#[derive(Default)]
pub struct Heard(Mutex<Vec<String>>);

impl Heard {
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl Progress for Heard {
    fn asked(&self, fetch: &Fetch, _address: &str) {
        self.note(format!("{} asked", fetch.label()));
    }

    fn bytes(&self, fetch: &Fetch, so_far: u64, total: Option<u64>) {
        let total = total.map_or("?".to_owned(), |total| total.to_string());
        self.note(format!("{} {so_far}/{total}", fetch.label()));
    }

    fn waits(&self, fetch: &Fetch, _why: &FeedError, pause: Duration) {
        self.note(format!("{} waits {}", fetch.label(), pause.as_secs()));
    }

    fn done(&self, outcome: &Outcome) {
        self.note(format!("{} done", outcome.fetch.label()));
    }
}

/// The path of [`kev`] on a mirror.
pub const KEV: &str = "/www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json";
/// The path of [`epss`] on a mirror.
pub const EPSS: &str = "/epss.empiricalsecurity.com/epss_scores-current.csv.gz";

/// The plan for one JSON file.
pub fn kev() -> Vec<Fetch> {
    plan(&[].into()).into_iter().filter(|fetch| fetch.source == "kev").collect()
}

/// A time, in seconds.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

/// Options for a mirror; every file is asked for each time.
pub fn options(folder: &Path, mirror: &str) -> FeedsOptions {
    FeedsOptions {
        mirror: Some(Url::parse(mirror).unwrap()),
        fresh: Duration::ZERO,
        timeout: Duration::from_secs(20),
        ..FeedsOptions::new(folder)
    }
}

/// A cache, a mirror, and what passes between them.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub server: Server,
    pub pauses: Arc<Noted>,
}

impl Bench {
    pub async fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: Server::start().await, pauses: Arc::default() }
    }

    pub fn options(&self) -> FeedsOptions {
        options(self.folder.path(), &self.server.base)
    }

    pub fn feeds(&self, options: FeedsOptions) -> Feeds {
        Feeds::new(options).unwrap().with_pause(self.pauses.clone())
    }

    /// Brings the one JSON file up to date.
    pub async fn update(&self, now: Timestamp) -> Outcome {
        self.update_with(self.options(), now).await
    }

    pub async fn update_with(&self, options: FeedsOptions, now: Timestamp) -> Outcome {
        self.feeds(options).update(&kev(), now, &Quiet).await.remove(0)
    }
}
