//! Credential helpers: `docker-credential-NAME get`, the server on standard input, JSON on standard
//! output (docker/docker-credential-helpers, `README.md`).

use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::credentials::Login;
use crate::error::plain;

/// What a helper may take and print.
const TIME: Duration = Duration::from_secs(20);
const OUTPUT: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks a helper; `None` where it knows nothing of the server.
pub(crate) async fn get(name: &str, server: &str) -> Result<Option<Login>, String> {
    let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if !good {
        return Err("the name of the helper holds more than letters, digits and - _ .".to_owned());
    }
    tokio::time::timeout(TIME, run(&format!("docker-credential-{name}"), server))
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {} s", TIME.as_secs())))
}

async fn run(program: &str, server: &str) -> Result<Option<Login>, String> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| format!("could not be run: {e}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that reads nothing closes its end: not our trouble.
        let _ = stdin.write_all(server.as_bytes()).await;
    }
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(OUTPUT).read_to_end(&mut output).await.map_err(|e| e.to_string())?;
    }
    let status = child.wait().await.map_err(|e| e.to_string())?;
    answer(status.success(), &output)
}

/// Reads what a helper printed.
fn answer(success: bool, output: &[u8]) -> Result<Option<Login>, String> {
    if !success {
        let said = plain(String::from_utf8_lossy(output).trim());
        // the one failure that means "nothing stored"; all helpers print this sentence
        return if said.contains("credentials not found") { Ok(None) } else { Err(format!("failed: {said}")) };
    }
    let answer: Answer = serde_json::from_slice(output).map_err(|_| "did not print the expected JSON".to_owned())?;
    if answer.secret.is_empty() {
        return Ok(None);
    }
    Ok(Some(match answer.username.as_str() {
        "<token>" => Login::Identity(answer.secret),
        _ => Login::Password { user: answer.username, password: answer.secret },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_helpers() {
        let good = br#"{"ServerURL":"h","Username":"u","Secret":"s"}"#;
        assert!(
            matches!(answer(true, good), Ok(Some(Login::Password { user, password })) if user == "u" && password == "s")
        );
        let token = br#"{"ServerURL":"h","Username":"<token>","Secret":"s"}"#;
        assert!(matches!(answer(true, token), Ok(Some(Login::Identity(t))) if t == "s"));
        assert!(matches!(answer(false, b"credentials not found in native keychain\n"), Ok(None)));
        assert!(matches!(answer(false, b"locked"), Err(why) if why == "failed: locked"));
        assert!(answer(true, b"geheim").is_err_and(|why| !why.contains("geheim")));
    }

    #[tokio::test]
    async fn a_name_that_leaves_the_search_path_is_refused() {
        assert!(get("../x", "h").await.is_err_and(|why| why.contains("name of the helper")));
        assert!(get("", "h").await.is_err());
        assert!(get("does-not-exist-anywhere", "h").await.is_err_and(|why| why.contains("could not be run")));
    }
}
