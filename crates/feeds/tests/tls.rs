//! By TLS: what comes so is marked as authenticated, a certificate nobody vouches for is refused, and no
//! redirect leads away from TLS. The authorities are those of the machine, so the asking side runs as a
//! process of its own that is told of one more.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use cleanbill_feeds::{ErrorKind, Feeds, FeedsOptions, Quiet, State, Url};
use common::{KEV, at, kev};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Tells the asking process where to ask.
const BASE: &str = "CLEANBILL_FEEDS_TEST_BASE";

/// Serves `{}` at `/good…` and a redirect to plain HTTP elsewhere; writes its certificate to a file.
fn serve(certificate: &Path) -> String {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(certificate, own.cert.pem()).unwrap();
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            // A client that does not trust us ends the handshake; the next one is served all the same.
            let _ = answer(StreamOwned::new(connection, stream), port);
        }
    });
    format!("https://localhost:{port}")
}

fn answer(mut stream: StreamOwned<ServerConnection, TcpStream>, port: u16) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|w| w == b"\r\n\r\n") {
        let mut buffer = [0; 1024];
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&buffer[..count]);
    }
    let text = if bytes.starts_with(b"GET /good/") {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}".to_owned()
    } else {
        format!(
            "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: http://localhost:{port}{KEV}\r\nContent-Length: 0\r\n\r\n"
        )
    };
    stream.write_all(text.as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn feeds(folder: &Path, mirror: &str) -> Feeds {
    let options = FeedsOptions { mirror: Some(Url::parse(mirror).unwrap()), retries: 0, ..FeedsOptions::new(folder) };
    Feeds::new(options).unwrap()
}

#[tokio::test]
async fn tls_is_asked_for_checked_and_marked() {
    let folder = tempfile::tempdir().unwrap();
    if let Ok(base) = std::env::var(BASE) {
        let good = feeds(folder.path(), &format!("{base}/good")).update(&kev(), at(0), &Quiet).await.remove(0);
        assert_eq!((&good.state, good.authenticated), (&State::Fetched, true), "{good:?}");
        let stored = feeds(folder.path(), &base).stored(&kev());
        assert!(stored[0].state.held().unwrap().authenticated);
        let away = feeds(folder.path(), &base).update(&kev(), at(1), &Quiet).await.remove(0);
        let State::Kept { why, .. } = &away.state else { panic!("{away:?}") };
        assert_eq!(why.kind, ErrorKind::Forbidden);
        assert!(why.why.contains("not https"), "{why}");
        return;
    }
    let certificate = folder.path().join("authority.pem");
    let base = serve(&certificate);

    let unknown = feeds(folder.path(), &format!("{base}/good"));
    let outcome = unknown.update(&kev(), at(0), &Quiet).await.remove(0);
    assert!(!outcome.is_usable());
    assert!(outcome.error().unwrap().why.contains("certificate"), "{outcome:?}");

    let mut asking = Command::new(std::env::current_exe().unwrap());
    asking.args(["--exact", "tls_is_asked_for_checked_and_marked"]).env(BASE, &base).env("SSL_CERT_FILE", &certificate);
    for proxy in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        asking.env_remove(proxy);
    }
    let said = tokio::task::spawn_blocking(move || asking.output().unwrap()).await.unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    assert!(String::from_utf8_lossy(&said.stdout).contains("1 passed"));
}
