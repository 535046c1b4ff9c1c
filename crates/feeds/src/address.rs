//! Where a publisher's file is asked for, where it may be redirected to, and where it lies on disk.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::{ErrorKind, FeedError};

/// Refuses a mirror that files cannot be asked of.
pub(crate) fn check_mirror(mirror: &Url) -> Result<(), FeedError> {
    let refuse = |why: &str| Err(FeedError::new(ErrorKind::Forbidden, shown(mirror), why));
    if !matches!(mirror.scheme(), "http" | "https") || mirror.host().is_none() {
        return refuse("a mirror is named by an http:// or https:// URL");
    }
    if mirror.query().is_some() || mirror.fragment().is_some() {
        return refuse("a mirror is named by a URL without query and fragment");
    }
    Ok(())
}

/// Where to ask: the publisher itself, which is always by TLS, or `MIRROR/HOST/PATH`.
pub(crate) fn address(publisher: &str, mirror: Option<&Url>) -> Result<Url, FeedError> {
    let url = parse(publisher)?;
    let Some(mirror) = mirror else { return Ok(url) };
    let host = url.host_str().unwrap_or_default();
    let mut there = mirror.clone();
    there.set_path(&format!("{}/{host}{}", mirror.path().trim_end_matches('/'), url.path()));
    Ok(there)
}

/// Where the file lies: `FOLDER/HOST/PATH`, decoded, so that a file server over the folder is a mirror.
pub(crate) fn place(folder: &Path, publisher: &str) -> Result<PathBuf, FeedError> {
    let url = parse(publisher)?;
    let refuse = || FeedError::new(ErrorKind::Forbidden, shown(&url), "its path cannot be the path of a file");
    let mut path = folder.join(url.host_str().unwrap_or_default());
    for segment in url.path_segments().into_iter().flatten() {
        let name = percent_decode_str(segment).decode_utf8().map_err(|_| refuse())?;
        // Names with a dot in front are ours: metadata, locks, what is being written.
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', ':', '\0']) {
            return Err(refuse());
        }
        path.push(&*name);
    }
    Ok(path)
}

fn parse(publisher: &str) -> Result<Url, FeedError> {
    let refuse = |why: &str| FeedError::new(ErrorKind::Forbidden, publisher, why);
    let url = Url::parse(publisher).map_err(|_| refuse("it is not a URL"))?;
    if url.scheme() != "https" || !matches!(url.host(), Some(Host::Domain(_))) || url.port().is_some() {
        return Err(refuse("publishers are asked by https:// and name"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("a publisher's file is named by host and path alone"));
    }
    Ok(url)
}

/// Where a redirect leads: to TLS, or on the same origin, so that a plain mirror can move a file but nobody
/// can lead us from TLS to plain HTTP or from one plain host to another.
pub(crate) fn redirect(from: &Url, location: Option<&str>) -> Result<Url, String> {
    let mut to = location.and_then(|text| from.join(text).ok()).ok_or("it is redirected to nowhere")?;
    if to.origin() == from.origin() {
        return Ok(to);
    }
    if to.scheme() != "https" {
        return Err(format!("it is redirected to {}, which is not https", shown(&to)));
    }
    if is_loopback(&to) && !is_loopback(from) {
        return Err(format!("it is redirected to {}, which is this machine", shown(&to)));
    }
    // Credentials that a server writes into an address are not ours to send.
    let _ = to.set_username("");
    let _ = to.set_password(None);
    Ok(to)
}

/// Whether a URL names this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => {
            ip.is_loopback() || ip.is_unspecified() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
        }
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
        }
        None => false,
    }
}

/// A URL as it may be shown and stored: without user name, password, query and fragment.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    crate::error::plain(url.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[track_caller]
    fn check_address(mirror: &str, expect: &str) {
        let mirror = url(mirror);
        check_mirror(&mirror).unwrap();
        assert_eq!(address("https://a.example/Rocky%20Linux/all.zip", Some(&mirror)).unwrap().as_str(), expect);
    }

    #[test]
    fn a_mirror_has_every_host_in_a_folder() {
        check_address("https://m.example", "https://m.example/a.example/Rocky%20Linux/all.zip");
        check_address("http://m.example:8080/feeds/", "http://m.example:8080/feeds/a.example/Rocky%20Linux/all.zip");
        assert_eq!(address("https://a.example/x", None).unwrap().as_str(), "https://a.example/x");
    }

    #[test]
    fn what_cannot_be_a_mirror_is_refused() {
        for text in ["file:///srv/feeds", "ftp://m.example/", "https://m.example/?a=b", "https://m.example/#x"] {
            assert_eq!(check_mirror(&url(text)).unwrap_err().kind, ErrorKind::Forbidden, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_a_publisher_is_refused() {
        for text in [
            "http://a.example/x",
            "https://127.0.0.1/x",
            "https://a.example:444/x",
            "https://u@a.example/x",
            "https://a.example/x?y",
            "a.example/x",
        ] {
            assert_eq!(address(text, None).unwrap_err().kind, ErrorKind::Forbidden, "{text}");
            assert!(place(Path::new("cache"), text).is_err(), "{text}");
        }
    }

    #[track_caller]
    fn check_place(publisher: &str, expect: Option<&str>) {
        let path = place(Path::new("cache"), publisher).ok();
        assert_eq!(path, expect.map(PathBuf::from), "{publisher}");
    }

    #[test]
    fn a_file_lies_where_its_url_says_and_never_outside() {
        check_place("https://a.example/Rocky%20Linux/all.zip", Some("cache/a.example/Rocky Linux/all.zip"));
        check_place("https://a.example/x/%2e%2e/%2e%2e/y", Some("cache/a.example/y"));
        check_place("https://a.example/%2F..%2Fx", None);
        check_place("https://a.example/.hidden", None);
        check_place("https://a.example/x/", None);
        check_place("https://a.example/", None);
        check_place("https://a.example/%ff", None);
        check_place("https://a.example/a%5Cb", None);
    }

    #[track_caller]
    fn check_redirect(from: &str, location: &str, expect: Result<&str, &str>) {
        match (redirect(&url(from), Some(location)), expect) {
            (Ok(to), Ok(expect)) => assert_eq!(to.as_str(), expect),
            (Err(why), Err(expect)) => assert!(why.contains(expect), "{why}"),
            (got, _) => panic!("{from} to {location}: {got:?}"),
        }
    }

    #[test]
    fn redirects_lead_to_tls_or_stay() {
        check_redirect("https://a.example/x", "/y", Ok("https://a.example/y"));
        check_redirect("https://a.example/x", "https://b.example/y", Ok("https://b.example/y"));
        check_redirect("http://m.example/x", "https://b.example/y", Ok("https://b.example/y"));
        check_redirect("http://m.example/x", "y", Ok("http://m.example/y"));
        check_redirect("https://a.example/x", "http://a.example/x", Err("not https"));
        check_redirect("http://m.example/x", "http://b.example/x", Err("not https"));
        check_redirect("http://m.example/x", "http://m.example:81/x", Err("not https"));
        check_redirect("https://a.example/x", "file:///etc/passwd", Err("not https"));
        check_redirect("https://a.example/x", "https://localhost/x", Err("this machine"));
        check_redirect("https://a.example/x", "https://[", Err("nowhere"));
        check_redirect("https://a.example/x", "https://u:p@b.example/y", Ok("https://b.example/y"));
    }

    #[test]
    fn what_is_shown_holds_no_secret() {
        assert_eq!(shown(&url("https://user:secret@m.example/x?token=secret#s")), "https://m.example/x");
    }
}
