//! The encrypted private key file of cosign (sigstore/cosign `pkg/cosign/keys.go`,
//! secure-systems-lab/go-securesystemslib `encrypted/encrypted.go`): a PKCS#8 document in NaCl's
//! secretbox under a key that scrypt makes of the password, as JSON in a PEM block.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const SALT: usize = 32;
const NONCE: usize = 24;
const LIMIT: usize = 64 << 10;

/// Work factors in use: that of older files, and today's, which is written. Whoever hands us a file
/// chooses these numbers, so nothing else is computed: N = 2^30 would take a terabyte (A43).
const OLD_LOG_N: u8 = 15;
const LOG_N: u8 = 16;
const R: u32 = 8;
const P: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Decrypts the content of the PEM block.
pub(crate) fn open(json: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
    if json.len() > LIMIT {
        return Err(format!("it is larger than {LIMIT} bytes"));
    }
    let file: File = serde_json::from_slice(json).map_err(|e| format!("its content is not the expected JSON: {e}"))?;
    if file.kdf.name != "scrypt" || file.cipher.name != "nacl/secretbox" {
        return Err(format!(
            "it is encrypted by `{}` and `{}`; only scrypt and nacl/secretbox are supported",
            file.kdf.name.escape_debug(),
            file.cipher.name.escape_debug()
        ));
    }
    let log_n = match (file.kdf.params.n, file.kdf.params.r, file.kdf.params.p) {
        (32768, R, P) => OLD_LOG_N,
        (65536, R, P) => LOG_N,
        (n, r, p) => {
            return Err(format!(
                "its scrypt parameters N={n} r={r} p={p} are not accepted: N is 32768 or 65536, r 8, p 1"
            ));
        }
    };
    let decode = |what: &str, text: &str| STANDARD.decode(text).map_err(|e| format!("its {what} is not base64: {e}"));
    let salt = decode("salt", &file.kdf.salt)?;
    let nonce: [u8; NONCE] =
        decode("nonce", &file.cipher.nonce)?.try_into().map_err(|_| format!("its nonce has not {NONCE} bytes"))?;
    let ciphertext = decode("ciphertext", &file.ciphertext)?;
    let key = derive(password, &salt, log_n)?;
    XSalsa20Poly1305::new((&*key).into())
        .decrypt((&nonce).into(), ciphertext.as_slice())
        .map(Zeroizing::new)
        .map_err(|_| "the password is wrong, or the file was changed".to_owned())
}

/// Encrypts a PKCS#8 document into the content of the PEM block.
pub(crate) fn seal(pkcs8: &[u8], password: &[u8]) -> Result<Vec<u8>, String> {
    let random =
        |bytes: &mut [u8]| SystemRandom::new().fill(bytes).map_err(|_| "no random numbers to be had".to_owned());
    let (mut salt, mut nonce) = ([0; SALT], [0; NONCE]);
    random(&mut salt)?;
    random(&mut nonce)?;
    let key = derive(password, &salt, LOG_N)?;
    let ciphertext = XSalsa20Poly1305::new((&*key).into())
        .encrypt((&nonce).into(), pkcs8)
        .map_err(|_| "the key could not be encrypted".to_owned())?;
    let file = File {
        kdf: Kdf {
            name: "scrypt".to_owned(),
            params: Params { n: 1 << LOG_N, r: R, p: P },
            salt: STANDARD.encode(salt),
        },
        cipher: Cipher { name: "nacl/secretbox".to_owned(), nonce: STANDARD.encode(nonce) },
        ciphertext: STANDARD.encode(ciphertext),
    };
    serde_json::to_vec(&file).map_err(|e| format!("the key could not be written: {e}"))
}

fn derive(password: &[u8], salt: &[u8], log_n: u8) -> Result<Zeroizing<[u8; 32]>, String> {
    let mut key = Zeroizing::new([0; 32]);
    let params = scrypt::Params::new(log_n, R, P).map_err(|e| format!("scrypt: {e}"))?;
    scrypt::scrypt(password, salt, &params, &mut *key).map_err(|e| format!("scrypt: {e}"))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(n: u64, r: u32, p: u32) -> Vec<u8> {
        let zeros = |n: usize| STANDARD.encode(vec![0; n]);
        format!(
            r#"{{"kdf":{{"name":"scrypt","params":{{"N":{n},"r":{r},"p":{p}}},"salt":"{}"}},"cipher":{{"name":"nacl/secretbox","nonce":"{}"}},"ciphertext":"{}"}}"#,
            zeros(32),
            zeros(24),
            zeros(64)
        )
        .into_bytes()
    }

    #[track_caller]
    fn refused(json: &[u8], part: &str) {
        let err = open(json, b"x").unwrap_err();
        assert!(err.contains(part), "{err}");
    }

    #[test]
    fn a43_work_factors_of_a_stranger_are_not_computed() {
        refused(&file(1 << 30, 8, 1), "N=1073741824 r=8 p=1 are not accepted");
        refused(&file(1, 8, 1), "not accepted");
        refused(&file(65536, 8, 4096), "not accepted");
        refused(&file(65536, 1 << 20, 1), "not accepted");
        refused(&file(32768, 8, 1), "the password is wrong");
    }

    #[test]
    fn other_content_is_refused_with_the_reason() {
        refused(b"{}", "not the expected JSON");
        refused(&vec![b' '; LIMIT + 1], "larger");
        let text = String::from_utf8(file(65536, 8, 1)).unwrap();
        refused(text.replace("\"scrypt\"", "\"argon2\"").as_bytes(), "encrypted by `argon2`");
        refused(text.replace("\"nonce\":\"", "\"nonce\":\"AAAA").as_bytes(), "not 24 bytes");
        refused(text.replace("\"kdf\"", "\"more\":1,\"kdf\"").as_bytes(), "unknown field `more`");
        refused(text.replace("\"r\":8", "\"r\":8,\"r\":8").as_bytes(), "duplicate field");
    }

    #[test]
    fn what_is_sealed_opens_with_its_password_alone() {
        let sealed = seal(b"plaintext", b"pw").unwrap();
        assert_eq!(open(&sealed, b"pw").unwrap().as_slice(), b"plaintext");
        assert!(open(&sealed, b"pv").unwrap_err().contains("password is wrong"));
        assert!(!sealed.windows(9).any(|w| w == b"plaintext"));
    }
}
