//! Credentials by registry, as docker (`config.json`) and containers (`auth.json`) keep them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cleanbill_model::Reference;
use serde::Deserialize;

use crate::error::{ErrorKind, OciError};
use crate::helper;

/// What somebody logs in with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Login {
    /// User and password.
    Password { user: String, password: String },
    /// A refresh token for the token service (`identitytoken`).
    Identity(String),
}

/// Credentials by registry host, as in docker's `config.json` (`auths`; `credHelpers` and `credsStore` run
/// `docker-credential-NAME get`).
#[derive(Clone, Default)]
pub struct Credentials {
    /// By host, or host and a prefix of the repository.
    logins: BTreeMap<String, Login>,
    helpers: BTreeMap<String, String>,
    store: Option<String>,
    /// What helpers said, so that each runs once a registry.
    asked: Arc<Mutex<HashMap<String, Option<Login>>>>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(redacted)")
    }
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

/// Larger files are not credentials.
const SIZE: u64 = 4 << 20;

impl Credentials {
    /// Reads a docker `config.json`.
    pub fn load(path: &Path) -> Result<Self, OciError> {
        let shown = path.display().to_string();
        let fail = |why: String| OciError::new(ErrorKind::Invalid, &format!("read credentials from {shown}"), why);
        let size = std::fs::metadata(path).map_err(|e| fail(e.to_string()))?.len();
        if size > SIZE {
            return Err(fail(format!("the file has {size} bytes, more than {SIZE}")));
        }
        let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
        Self::parse(&shown, &text)
    }

    /// Parses the text of a docker `config.json`; `path` only names it in errors.
    pub fn parse(path: &str, text: &str) -> Result<Self, OciError> {
        let what = format!("read credentials from {path}");
        // The parser's own message may quote the file, hence secrets: only the place is passed on.
        let file: File = serde_json::from_str(text).map_err(|e| {
            OciError::invalid(&what, format!("not a docker config.json (line {}, column {})", e.line(), e.column()))
        })?;
        let mut logins = BTreeMap::new();
        for (host, entry) in file.auths {
            let fail = |why: &str| OciError::invalid(&what, format!("`auths` entry `{host}`: {why}"));
            let given = |text: Option<String>| text.filter(|t| !t.is_empty());
            let login = if let Some(token) = given(entry.identitytoken) {
                Login::Identity(token)
            } else if let Some(auth) = given(entry.auth) {
                let bytes = STANDARD.decode(auth.trim()).map_err(|_| fail("`auth` is not base64"))?;
                let text = String::from_utf8(bytes).map_err(|_| fail("`auth` is not UTF-8"))?;
                let (user, password) = text.split_once(':').ok_or_else(|| fail("`auth` is not USER:PASSWORD"))?;
                // docker pads with zero bytes in some versions
                Login::Password { user: user.to_owned(), password: password.trim_end_matches('\0').to_owned() }
            } else if let (Some(user), Some(password)) = (given(entry.username), given(entry.password)) {
                Login::Password { user, password }
            } else {
                continue; // an empty entry: the secret is in the store
            };
            logins.insert(key(&host), login);
        }
        let helpers = file.helpers.into_iter().map(|(host, name)| (key(&host), name)).collect();
        Ok(Self { logins, helpers, store: file.store.filter(|s| !s.is_empty()), asked: Arc::default() })
    }

    /// These credentials and one more: `registry` is a host, with its port if it has one.
    pub fn with_login(mut self, registry: &str, user: &str, password: &str) -> Self {
        self.logins.insert(key(registry), Login::Password { user: user.to_owned(), password: password.to_owned() });
        self
    }

    /// What to log in with for a repository: a helper for its host first, then the longest entry that
    /// names it, then the store. The second value says why a helper failed.
    pub(crate) async fn find(&self, reference: &Reference) -> (Option<Login>, Option<String>) {
        let host = key(reference.registry());
        if let Some(name) = self.helpers.get(&host) {
            return self.ask(name, &host).await;
        }
        let mut place = format!("{host}/{}", reference.repository());
        loop {
            if let Some(login) = self.logins.get(&place) {
                return (Some(login.clone()), None);
            }
            match place.rfind('/') {
                Some(at) => place.truncate(at),
                None => break,
            }
        }
        match &self.store {
            Some(name) => self.ask(name, &host).await,
            None => (None, None),
        }
    }

    async fn ask(&self, name: &str, host: &str) -> (Option<Login>, Option<String>) {
        let known = self.asked.lock().unwrap_or_else(PoisonError::into_inner).get(host).cloned();
        if let Some(login) = known {
            return (login, None);
        }
        // docker stores the credentials of its own hub under this name since its first version
        let server = if host == "docker.io" { "https://index.docker.io/v1/" } else { host };
        match helper::get(name, server).await {
            Ok(login) => {
                let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
                asked.insert(host.to_owned(), login.clone());
                (login, None)
            }
            Err(why) => {
                tracing::warn!(helper = name, host, %why, "credential helper failed");
                (None, Some(format!("docker-credential-{name}: {why}")))
            }
        }
    }
}

/// The key of an entry: host, port and a repository prefix; scheme and API version do not count, and
/// the several names of docker's hub are one.
fn key(entry: &str) -> String {
    let entry = entry.strip_prefix("https://").or_else(|| entry.strip_prefix("http://")).unwrap_or(entry);
    let entry = entry.trim_end_matches('/');
    let entry = entry.strip_suffix("/v1").or_else(|| entry.strip_suffix("/v2")).unwrap_or(entry);
    let (host, path) = entry.split_once('/').map_or((entry, None), |(host, path)| (host, Some(path)));
    let host = match host.to_ascii_lowercase().as_str() {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => "docker.io".to_owned(),
        other => other.to_owned(),
    };
    path.map_or(host.clone(), |path| format!("{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn found(text: &str, reference: &str) -> Option<String> {
        let credentials = Credentials::parse("config.json", text).unwrap();
        let (login, _) = credentials.find(&Reference::parse(reference).unwrap()).await;
        login.map(|l| match l {
            Login::Password { user, password } => format!("{user}:{password}"),
            Login::Identity(token) => format!("token {token}"),
        })
    }

    const CONFIG: &str = r#"{"auths": {
        "https://index.docker.io/v1/": {"auth": "YTpi"},
        "quay.io/team": {"auth": "dDp0"},
        "quay.io": {"username": "q", "password": "p:w"},
        "r.example:5000": {"auth": "eDp5", "identitytoken": "id"},
        "empty.example": {}
    }, "HttpHeaders": {}}"#;

    #[tokio::test]
    async fn entries_are_found_by_host_and_longest_prefix() {
        assert_eq!(found(CONFIG, "nginx").await.as_deref(), Some("a:b"));
        assert_eq!(found(CONFIG, "quay.io/team/x").await.as_deref(), Some("t:t"));
        assert_eq!(found(CONFIG, "quay.io/teamx/x").await.as_deref(), Some("q:p:w"));
        assert_eq!(found(CONFIG, "r.example:5000/x").await.as_deref(), Some("token id"));
    }

    #[tokio::test]
    async fn a41_another_host_or_port_has_no_credentials() {
        for other in
            ["r.example/x", "r.example:5001/x", "evilr.example:5000/x", "empty.example/x", "quay.io.evil.example/x"]
        {
            assert_eq!(found(CONFIG, other).await, None, "{other}");
        }
    }

    #[test]
    fn a_broken_file_is_refused_by_place_without_its_secrets() {
        let text = "{\"auths\": {\"h\": {\"auth\": \"geheim\"";
        let err = Credentials::parse("c.json", text).unwrap_err().to_string();
        assert!(err.contains("c.json") && err.contains("line 1") && !err.contains("geheim"), "{err}");
        let err = Credentials::parse("c.json", r#"{"auths": {"h": {"auth": "!geheim!"}}}"#).unwrap_err().to_string();
        assert!(err.contains("`h`: `auth` is not base64") && !err.contains("geheim"), "{err}");
    }

    #[test]
    fn credentials_are_not_shown() {
        let credentials = Credentials::default().with_login("h", "u", "secret");
        assert!(!format!("{credentials:?}").contains("secret"));
    }
}
