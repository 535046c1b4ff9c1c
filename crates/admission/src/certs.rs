//! The webhook's own certificates and its secret, in `DATA/admission/` (0700).
//!
//! `ca.crt` and `ca.key` are made once, ten years long: their certificate stands in the webhook
//! configurations, and a new one would mean to apply them again. `tls.crt` and `tls.key` last 90 days
//! and are made again after half of that, or when a name is missing. Names are only ever added: the
//! one who prints the configuration and the one who listens open the same folder with different ones.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cleanbill_model::Timestamp;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

const SERVING_DAYS: i64 = 90;
const AUTHORITY_DAYS: i64 = 3650;
/// Names that are always in the serving certificate.
const ALWAYS: [&str; 3] = ["127.0.0.1", "::1", "localhost"];
const FILE_LIMIT: u64 = 64 << 10;

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum CertError {
    /// A file.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file that holds something else.
    #[error("{path}: {why}\nhint: remove {path} to have it made again, then apply the webhook configurations again")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A certificate could not be made.
    #[error("could not make a certificate for {names}: {why}")]
    Make {
        /// For which names.
        names: String,
        /// Why.
        why: String,
    },
}

/// Who the webhook is, and how it knows its caller.
#[derive(Clone)]
pub struct Identity {
    /// Certificate of the authority, for the webhook configurations.
    pub ca_pem: String,
    /// The part of the path that proves that the API server calls: 256 random bits in hexadecimal.
    pub secret: String,
    /// The serving certificate.
    pub certificate_pem: String,
    /// When it ends at the earliest.
    pub expires: Timestamp,
    key_pem: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(redacted)")
    }
}

impl Identity {
    /// Opens `DATA/admission/`, making what is missing or too old. `names` are host names and
    /// addresses that the certificate must have beside those it has.
    pub fn open(data_dir: &Path, names: &[String], now: Timestamp) -> Result<Self, CertError> {
        let dir = data_dir.join("admission");
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(io(&dir))?;
        // One process at a time makes keys; the lock goes with the file.
        let lock_path = dir.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(io(&lock_path))?;
        lock.lock().map_err(io(&lock_path))?;

        let secret = secret(&dir.join("secret"))?;
        let (ca_pem, ca_key) = authority(&dir, now)?;
        let (certificate_pem, key_pem, made) = serving(&dir, names, now, &ca_pem, ca_key)?;
        let expires = made.checked_add(jiff::SignedDuration::from_hours(24 * (SERVING_DAYS - 1))).unwrap_or(made);
        Ok(Self { ca_pem, secret, certificate_pem, expires, key_pem })
    }

    /// What TLS is served with.
    pub(crate) fn tls(&self) -> Result<Arc<rustls::ServerConfig>, rustls::Error> {
        let general = |error: rustls::pki_types::pem::Error| rustls::Error::General(format!("{error:?}"));
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(self.certificate_pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(general)?;
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).map_err(general)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn secret(path: &Path) -> Result<String, CertError> {
    if let Some(text) = read(path)? {
        let text = text.trim().to_owned();
        return if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(text)
        } else {
            Err(CertError::Damaged { path: path.to_owned(), why: "not 64 hexadecimal digits".to_owned() })
        };
    }
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| CertError::Make { names: "the secret path".to_owned(), why: "no random bytes".to_owned() })?;
    let text = hex::encode(bytes);
    write(path, &text, 0o600)?;
    Ok(text)
}

fn authority(dir: &Path, now: Timestamp) -> Result<(String, KeyPair), CertError> {
    let (cert_path, key_path) = (dir.join("ca.crt"), dir.join("ca.key"));
    if let (Some(cert), Some(key)) = (read(&cert_path)?, read(&key_path)?) {
        let key = KeyPair::from_pem(&key)
            .map_err(|error| CertError::Damaged { path: key_path, why: format!("not a private key: {error}") })?;
        return Ok((cert, key));
    }
    let make =
        |error: rcgen::Error| CertError::Make { names: "the webhook's authority".to_owned(), why: error.to_string() };
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(make)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = named("cleanbill admission");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, now, AUTHORITY_DAYS);
    let certificate = params.self_signed(&key).map_err(make)?.pem();
    write(&key_path, &key.serialize_pem(), 0o600)?;
    write(&cert_path, &certificate, 0o644)?;
    Ok((certificate, key))
}

/// The serving certificate and its key. `tls.names` says when it was made and for which names.
fn serving(
    dir: &Path,
    wanted: &[String],
    now: Timestamp,
    ca_pem: &str,
    ca_key: KeyPair,
) -> Result<(String, String, Timestamp), CertError> {
    let (cert_path, key_path, names_path) = (dir.join("tls.crt"), dir.join("tls.key"), dir.join("tls.names"));
    let mut names: BTreeSet<String> = ALWAYS.iter().map(|n| (*n).to_owned()).collect();
    names.extend(wanted.iter().map(|name| name.to_ascii_lowercase()));
    let record = read(&names_path)?.unwrap_or_default();
    let mut lines = record.lines();
    let made: Option<Timestamp> = lines.next().and_then(|line| line.parse().ok());
    let before: BTreeSet<String> = lines.map(str::to_owned).collect();
    let missing = !names.is_subset(&before);
    names.extend(before);

    let young = made.filter(|made| {
        let age = now.as_second() - made.as_second();
        (0..SERVING_DAYS * 86_400 / 2).contains(&age)
    });
    if let Some(made) = young
        && !missing
        && let (Some(cert), Some(key)) = (read(&cert_path)?, read(&key_path)?)
    {
        let there = Identity {
            ca_pem: String::new(),
            secret: String::new(),
            certificate_pem: cert,
            expires: made,
            key_pem: key,
        };
        if there.tls().is_ok() {
            return Ok((there.certificate_pem, there.key_pem, made));
        }
    }

    let list: Vec<String> = names.iter().cloned().collect();
    let make = |error: rcgen::Error| CertError::Make { names: list.join(", "), why: error.to_string() };
    let damaged = |error: rcgen::Error| CertError::Damaged {
        path: dir.join("ca.crt"),
        why: format!("not a certificate: {error}"),
    };
    let issuer = Issuer::from_ca_cert_pem(ca_pem, ca_key).map_err(damaged)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(make)?;
    let mut params = CertificateParams::new(list.clone()).map_err(make)?;
    params.distinguished_name = named("cleanbill admission webhook");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    valid(&mut params, now, SERVING_DAYS);
    let certificate = params.signed_by(&key, &issuer).map_err(make)?.pem();
    let key_pem = key.serialize_pem();
    // The record goes last: cut off before it, the pair is made again.
    write(&key_path, &key_pem, 0o600)?;
    write(&cert_path, &certificate, 0o644)?;
    write(&names_path, &format!("{now}\n{}\n", list.join("\n")), 0o644)?;
    Ok((certificate, key_pem, now))
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// Sets the validity from the day before, for clocks that are behind, to `days` after.
fn valid(params: &mut CertificateParams, now: Timestamp, days: i64) {
    let today = now.to_zoned(TimeZone::UTC).date();
    let day = |offset: i64| {
        let date = today.saturating_add(offset.days());
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        rcgen::date_time_ymd(i32::from(date.year()), month, day)
    };
    (params.not_before, params.not_after) = (day(-1), day(days));
}

fn read(path: &Path) -> Result<Option<String>, CertError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(path)(error)),
    };
    let mut text = String::new();
    file.take(FILE_LIMIT).read_to_string(&mut text).map_err(io(path))?;
    Ok(Some(text))
}

/// Written beside and renamed, so that no reader sees half of it.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), CertError> {
    let beside = path.with_extension("new");
    let _ = std::fs::remove_file(&beside);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside).map_err(io(&beside))?;
    file.set_permissions(std::fs::Permissions::from_mode(mode)).map_err(io(&beside))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io(&beside))?;
    std::fs::rename(&beside, path).map_err(io(path))
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> CertError + use<> {
    let path = path.to_owned();
    move |source| CertError::Io { path, source }
}

#[cfg(test)]
mod tests;
