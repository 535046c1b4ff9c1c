//! Small builders of tar archives and images for the tests of this room and of the catalogers.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::large_types_passed_by_value)]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use cleanbill_image::{Blobs, Config, Descriptor, Document, Image, ImageError};
use cleanbill_model::{Digest, ImageIdentity};

/// A tar header with a right checksum.
pub fn header(name: &[u8], typeflag: u8, size: u64, link: &[u8]) -> [u8; 512] {
    let mut h = [0u8; 512];
    h[..name.len()].copy_from_slice(name);
    h[100..108].copy_from_slice(b"0000644\0");
    h[108..116].copy_from_slice(b"0000000\0");
    h[116..124].copy_from_slice(b"0000000\0");
    h[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    h[136..148].copy_from_slice(b"00000000000\0");
    h[156] = typeflag;
    h[157..157 + link.len()].copy_from_slice(link);
    h[257..265].copy_from_slice(b"ustar\x0000");
    seal(&mut h);
    h
}

/// Writes the checksum.
pub fn seal(h: &mut [u8; 512]) {
    h[148..156].copy_from_slice(b"        ");
    let sum: u32 = h.iter().map(|b| u32::from(*b)).sum();
    h[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A tar archive in the making.
#[derive(Default, Clone)]
pub struct Tar(pub Vec<u8>);

impl Tar {
    pub fn new() -> Self {
        Self::default()
    }
    pub fn entry(mut self, header: [u8; 512], data: &[u8]) -> Self {
        self.0.extend_from_slice(&header);
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }
    pub fn file(self, name: &str, data: impl AsRef<[u8]>) -> Self {
        let data = data.as_ref();
        self.entry(header(name.as_bytes(), b'0', data.len() as u64, b""), data)
    }
    pub fn dir(self, name: &str) -> Self {
        self.entry(header(name.as_bytes(), b'5', 0, b""), b"")
    }
    pub fn symlink(self, name: &str, to: &str) -> Self {
        self.entry(header(name.as_bytes(), b'2', 0, to.as_bytes()), b"")
    }
    pub fn hardlink(self, name: &str, to: &str) -> Self {
        self.entry(header(name.as_bytes(), b'1', 0, to.as_bytes()), b"")
    }
    /// A PAX extension header of type `x` or `g`.
    pub fn pax(self, typeflag: u8, records: &[(&str, &str)]) -> Self {
        let mut data = String::new();
        for (key, value) in records {
            let rest = format!(" {key}={value}\n");
            let mut n = rest.len() + 1;
            while format!("{n}{rest}").len() != n {
                n = format!("{n}{rest}").len();
            }
            data.push_str(&format!("{n}{rest}"));
        }
        self.entry(header(b"pax", typeflag, data.len() as u64, b""), data.as_bytes())
    }
    /// A GNU long name or link.
    pub fn gnu(self, typeflag: u8, name: &[u8]) -> Self {
        let data = [name, b"\0"].concat();
        self.entry(header(b"././@LongLink", typeflag, data.len() as u64, b""), &data)
    }
    pub fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Blobs in memory that count how often they are opened.
#[derive(Default)]
pub struct Memory {
    pub blobs: HashMap<Digest, Vec<u8>>,
    pub opened: AtomicUsize,
}

impl Blobs for Memory {
    fn open<'a>(&'a self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + 'a>, ImageError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        match self.blobs.get(&descriptor.digest) {
            Some(bytes) => Ok(Box::new(bytes.as_slice())),
            None => Err(ImageError::Source { what: descriptor.digest.to_string(), why: "not there".to_owned() }),
        }
    }
}

pub const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// The JSON of a configuration over these tars, and of a manifest over these blobs.
pub fn documents(layers: &[(Vec<u8>, Vec<u8>)]) -> (Vec<u8>, Vec<u8>) {
    let diff_ids: Vec<String> = layers.iter().map(|(_, tar)| format!("\"{}\"", Digest::sha256(tar))).collect();
    let config = format!(
        r#"{{"os":"linux","architecture":"amd64","rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#,
        diff_ids.join(",")
    );
    let blobs: Vec<String> = layers
        .iter()
        .map(|(blob, _)| {
            format!(r#"{{"mediaType":"{GZIP}","digest":"{}","size":{}}}"#, Digest::sha256(blob), blob.len())
        })
        .collect();
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}},"layers":[{}]}}"#,
        Digest::sha256(&config),
        config.len(),
        blobs.join(",")
    );
    (config.into_bytes(), manifest.into_bytes())
}

/// An image of layers, each as stored and as a tar.
pub fn stored(layers: &[(Vec<u8>, Vec<u8>)]) -> (Image, Memory) {
    let (config, manifest) = documents(layers);
    let Ok(Document::Manifest(manifest)) = Document::parse(manifest, None) else { panic!("a manifest") };
    let config = Config::parse(config).unwrap();
    let identity = ImageIdentity {
        index: None,
        manifest: manifest.digest.clone(),
        config: config.digest.clone(),
        platform: config.platform.clone(),
    };
    let blobs = layers.iter().map(|(blob, _)| (Digest::sha256(blob), blob.clone())).collect();
    (Image { name: "test".to_owned(), identity, manifest, config }, Memory { blobs, opened: AtomicUsize::new(0) })
}

/// An image of tars, packed with gzip.
pub fn image(tars: &[Vec<u8>]) -> (Image, Memory) {
    stored(&tars.iter().map(|tar| (gzip(tar), tar.clone())).collect::<Vec<_>>())
}

/// Changes a few bytes, by a seed.
pub fn mutate(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut out = bytes.to_vec();
    for _ in 0..1 + next() % 6 {
        if out.is_empty() {
            break;
        }
        let at = next() as usize % out.len();
        match next() % 5 {
            0 => out[at] = next() as u8,
            1 => out[at] ^= 1 << (next() % 8),
            2 => out.truncate(at),
            3 => out[at] = [0, 0xff, 0x80, b'0', b'9', b'\n'][next() as usize % 6],
            _ => {
                let end = (at + next() as usize % 16).min(out.len());
                let piece = out[at..end].to_vec();
                let to = next() as usize % out.len();
                out.splice(to..to, piece);
            }
        }
    }
    out
}
