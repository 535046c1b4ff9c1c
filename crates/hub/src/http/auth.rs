//! Who may ask: a token for programs, a one-time link that becomes a session for people.
//!
//! Everything secret is 256 random bits and is kept as its SHA-256 only, in memory; the token's file
//! (0600) is the one copy on disk. A handler takes [`Authorized`]; there is no other way in.

use std::collections::HashMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use cleanbill_model::Digest;

use super::answer::Refusal;
use crate::hub::HubError;

/// The session cookie. Not `__Host-`: that prefix needs TLS, which the loopback has not.
const COOKIE_NAME: &str = "cleanbill";
const TOKEN_FILE: &str = "token";
/// How long a login link may be used.
const LINK_LIFE: Duration = Duration::from_secs(10 * 60);
/// How long a session lasts.
const SESSION_LIFE: Duration = Duration::from_secs(12 * 60 * 60);
const MOST_SESSIONS: usize = 1000;

/// Something a handler may do.
pub trait Action: Send + Sync {}

/// Looking at what the hub knows.
#[derive(Debug, Clone, Copy)]
pub struct View;
/// Noting that somebody takes care of an alert.
#[derive(Debug, Clone, Copy)]
pub struct Acknowledge;

impl Action for View {}
impl Action for Acknowledge {}

/// Proof that the caller may do `A`. Made by the request alone.
#[derive(Debug, Clone)]
pub struct Authorized<A: Action> {
    /// Who: `token` or `session`.
    pub by: &'static str,
    action: std::marker::PhantomData<A>,
}

/// Token, login codes and sessions. Cheap to clone.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    token: Digest,
    codes: Mutex<HashMap<Digest, Instant>>,
    sessions: Mutex<HashMap<Digest, Instant>>,
}

fn secret() -> Result<String, HubError> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| HubError::Random)?;
    Ok(hex::encode(bytes))
}

impl Auth {
    /// Makes a new token and writes it into the data directory for the command line; the one of an earlier
    /// start counts no more. Gives the file.
    pub fn create(data_dir: &Path) -> Result<(Self, PathBuf), HubError> {
        let token = secret()?;
        let file = data_dir.join(TOKEN_FILE);
        let beside = data_dir.join(format!("{TOKEN_FILE}.new"));
        let failed = |source| HubError::Io { path: file.display().to_string(), source };
        // One left over by a process that was killed keeps its permissions, whatever they are.
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let mut out =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(failed)?;
        out.write_all(token.as_bytes()).and_then(|()| out.sync_all()).map_err(failed)?;
        std::fs::rename(&beside, &file).map_err(failed)?;
        let inner = Inner { token: Digest::sha256(&token), codes: Mutex::default(), sessions: Mutex::default() };
        Ok((Self(Arc::new(inner)), file))
    }

    /// A link that logs one person in, once, within ten minutes.
    pub fn login_link(&self, base: &str) -> Result<String, HubError> {
        let code = secret()?;
        lock(&self.0.codes).insert(Digest::sha256(&code), Instant::now() + LINK_LIFE);
        Ok(format!("{base}/login?code={code}"))
    }

    /// Uses a login code up; gives the session's cookie.
    pub(super) fn log_in(&self, code: &str) -> Result<Option<String>, HubError> {
        let now = Instant::now();
        let good = lock(&self.0.codes).remove(&Digest::sha256(code)).is_some_and(|until| until > now);
        if !good {
            return Ok(None);
        }
        let session = secret()?;
        let mut sessions = lock(&self.0.sessions);
        sessions.retain(|_, until| *until > now);
        if sessions.len() >= MOST_SESSIONS {
            return Ok(None);
        }
        sessions.insert(Digest::sha256(&session), now + SESSION_LIFE);
        let age = SESSION_LIFE.as_secs();
        Ok(Some(format!("{COOKIE_NAME}={session}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict")))
    }

    /// Who sent the request, if it is somebody. Digests are compared, not secrets: how long that takes
    /// tells nothing about them.
    fn caller(&self, parts: &Parts) -> Option<&'static str> {
        if let Some(header) = parts.headers.get(AUTHORIZATION) {
            let token = header.to_str().ok()?.strip_prefix("Bearer ")?;
            return (Digest::sha256(token.trim()) == self.0.token).then_some("token");
        }
        let cookies = parts.headers.get_all(COOKIE).iter().filter_map(|c| c.to_str().ok()).flat_map(|c| c.split(';'));
        let session = cookies.filter_map(|c| c.trim().split_once('=')).find(|(name, _)| *name == COOKIE_NAME)?.1;
        let until = lock(&self.0.sessions).get(&Digest::sha256(session)).copied()?;
        (until > Instant::now()).then_some("session")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S, A> FromRequestParts<S> for Authorized<A>
where
    S: Send + Sync,
    Auth: FromRef<S>,
    A: Action,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let by = Auth::from_ref(state).caller(parts).ok_or_else(|| Refusal::unauthorized(parts))?;
        Ok(Self { by, action: std::marker::PhantomData })
    }
}
