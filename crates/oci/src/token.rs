//! Tokens (distribution project, `docs/spec/auth/token.md`, `oauth.md`).
//!
//! The rule for whom a registry may send us to (A41, CVE-2025-27403): a realm must be `https`, or plain
//! HTTP where the registry itself is spoken to so and the realm is on the same host. The realm gets
//! credentials only if it is the registry's own host and port, or both are DNS names under one
//! registrable domain (`registry.example.com` and `auth.example.com`); domains under which strangers
//! can register names do not count as one. Every other realm is asked for a token without credentials.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;
use url::{Host, Url};

use crate::credentials::Login;

/// A header value to send, and how long.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) header: http::HeaderValue,
    pub(crate) until: Option<Instant>,
}

/// Longest answer of a token service.
pub(crate) const SIZE: u64 = 1 << 20;

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// The realm as a URL that may be asked, or why not.
pub(crate) fn realm(text: &str, registry: &Url) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "the registry names a token service that is not a URL".to_owned())?;
    let host = url.host_str().unwrap_or_default();
    let plain_is_fine = url.scheme() == "http" && registry.scheme() == "http" && url.host() == registry.host();
    if url.scheme() != "https" && !plain_is_fine {
        return Err(format!("the registry sends us to a token service at {host} without TLS"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("the token service at {host} is named with credentials of its own"));
    }
    Ok(url)
}

/// Whether credentials for `registry` may go to `realm`.
pub(crate) fn may_have_credentials(registry: &Url, realm: &Url) -> bool {
    if registry.scheme() == "https" && realm.scheme() != "https" {
        return false;
    }
    if registry.host() == realm.host() && registry.port_or_known_default() == realm.port_or_known_default() {
        return true;
    }
    match (registry.host(), realm.host()) {
        (Some(Host::Domain(a)), Some(Host::Domain(b))) if realm.scheme() == "https" => {
            registrable(a).is_some_and(|domain| registrable(b).is_some_and(|other| domain.eq_ignore_ascii_case(other)))
        }
        _ => false,
    }
}

/// Domains under which strangers get names.
const SHARED: &[&str] = &[
    "amazonaws.com",
    "appspot.com",
    "azurecr.io",
    "azureedge.net",
    "azurewebsites.net",
    "blogspot.com",
    "cloudapp.net",
    "cloudfront.net",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "jfrog.io",
    "netlify.app",
    "ngrok.io",
    "on.aws",
    "pages.dev",
    "pkg.dev",
    "run.app",
    "vercel.app",
    "web.app",
    "windows.net",
    "workers.dev",
];

/// The part of a name that one owner registered, by a cautious guess: the last two labels; three where
/// the last two are a country's `co.uk`; none where strangers share it.
fn registrable(host: &str) -> Option<&str> {
    let host = host.trim_end_matches('.');
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let last = dots.next()?;
    let second = dots.next();
    let two = second.map_or(host, |at| &host[at + 1..]);
    if SHARED.iter().any(|s| s.eq_ignore_ascii_case(two)) {
        return None;
    }
    let start = second.map_or(0, |at| at + 1);
    let label = host[start..last].to_ascii_lowercase();
    let country = host.len() - last - 1 == 2;
    let public = ["ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "gv", "mil", "ne", "net", "nom", "or", "org"];
    if country && public.contains(&label.as_str()) {
        second?;
        return Some(dots.next().map_or(host, |at| &host[at + 1..]));
    }
    Some(two)
}

/// A request to a token service.
pub(crate) struct TokenRequest {
    pub(crate) url: Url,
    /// A form, for a POST.
    pub(crate) form: Option<String>,
    /// User and password.
    pub(crate) basic: Option<(String, String)>,
}

/// The request for a token for `scope`.
pub(crate) fn request(
    mut realm: Url,
    service: Option<&str>,
    scope: Option<&str>,
    login: Option<&Login>,
) -> TokenRequest {
    if let Some(Login::Identity(token)) = login {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token").append_pair("client_id", "cleanbill");
        for (key, value) in [("service", service), ("scope", scope), ("refresh_token", Some(token.as_str()))] {
            if let Some(value) = value {
                form.append_pair(key, value);
            }
        }
        return TokenRequest { url: realm, form: Some(form.finish()), basic: None };
    }
    {
        let mut query = realm.query_pairs_mut();
        for (key, value) in [("service", service), ("scope", scope)] {
            if let Some(value) = value {
                query.append_pair(key, value);
            }
        }
    }
    let basic = match login {
        Some(Login::Password { user, password }) => Some((user.clone(), password.clone())),
        _ => None,
    };
    TokenRequest { url: realm, form: None, basic }
}

/// The token in an answer.
pub(crate) fn grant(body: &[u8]) -> Result<Grant, &'static str> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| "its answer is not the expected JSON")?;
    let token = answer.token.filter(|t| !t.is_empty()).or(answer.access_token).ok_or("its answer has no token")?;
    let mut header =
        http::HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| "its token holds control characters")?;
    header.set_sensitive(true);
    // A minute where nothing is said, as the specification has it; a little less, for the way there.
    let seconds = answer.expires_in.unwrap_or(60).clamp(60, 86_400) - 10;
    Ok(Grant { header, until: Some(Instant::now() + Duration::from_secs(seconds)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[track_caller]
    fn check(registry: &str, realm: &str, expect: bool) {
        assert_eq!(may_have_credentials(&url(registry), &url(realm)), expect, "{registry} {realm}");
    }

    #[test]
    fn a41_credentials_go_to_the_registry_and_its_own_domain_only() {
        check("https://registry-1.docker.io/v2/", "https://auth.docker.io/token", true);
        check("https://registry.gitlab.com/v2/", "https://gitlab.com/jwt/auth", true);
        check("https://r.example.com:5000/v2/", "https://r.example.com:5000/token", true);
        check("https://r.example.com/v2/", "https://evil.example.net/token", false);
        check("https://r.example.com/v2/", "https://r.example.com.evil.net/token", false);
        check("https://r.example.co.uk/v2/", "https://evil.co.uk/token", false);
        check("https://r.example.co.uk/v2/", "https://auth.example.co.uk/token", true);
        check("https://victim.azurecr.io/v2/", "https://evil.azurecr.io/token", false);
        check("https://victim.azurecr.io/v2/", "https://victim.azurecr.io/token", true);
        check("https://r.example.com/v2/", "http://r.example.com/token", false);
        check("http://127.0.0.1:5000/v2/", "http://127.0.0.1:5001/token", false);
        check("https://10.0.0.1/v2/", "https://10.0.0.2/token", false);
        check("https://registry/v2/", "https://auth/token", false);
    }

    #[test]
    fn a41_a_realm_without_tls_or_that_is_no_url_is_refused() {
        let registry = url("https://r.example.com/v2/");
        assert!(realm("http://r.example.com/token", &registry).is_err_and(|e| e.contains("without TLS")));
        assert!(realm("file:///etc/passwd", &registry).is_err());
        assert!(realm("nonsense", &registry).is_err_and(|e| e.contains("not a URL")));
        assert!(realm("https://a:b@auth.example.com/token", &registry).is_err());
        assert!(realm("https://auth.example.com/token", &registry).is_ok());
        assert!(realm("http://127.0.0.1:1/token", &url("http://127.0.0.1:2/v2/")).is_ok());
    }

    #[test]
    fn answers_of_token_services() {
        let header = |body: &str| grant(body.as_bytes()).map(|g| g.header.to_str().unwrap().to_owned());
        assert_eq!(header(r#"{"token":"a","access_token":"b"}"#).as_deref(), Ok("Bearer a"));
        assert_eq!(header(r#"{"token":"","access_token":"b","expires_in":1}"#).as_deref(), Ok("Bearer b"));
        assert!(header("{}").is_err());
        assert!(header("[").is_err());
        assert!(header(r#"{"token":"a\nb"}"#).is_err());
    }

    #[test]
    fn service_and_scope_are_added_to_the_realms_own_query() {
        let asked = request(url("https://a/t?x=1"), Some("s"), Some("repository:r:pull"), None);
        assert_eq!(asked.url.as_str(), "https://a/t?x=1&service=s&scope=repository%3Ar%3Apull");
        let asked = request(url("https://a/t"), Some("s"), None, Some(&Login::Identity("i".to_owned())));
        assert_eq!(
            asked.form.as_deref(),
            Some("grant_type=refresh_token&client_id=cleanbill&service=s&refresh_token=i")
        );
    }
}
