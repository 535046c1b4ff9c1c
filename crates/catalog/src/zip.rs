//! Zip archives read in place: entries by the central directory, as the Java runtime reads them.

use std::io::{self, Read};

use cleanbill_image::Bytes;
use cleanbill_model::Budget;
use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ReaderAt, ZipArchive, ZipArchiveEntryWayfinder, ZipLocator};

/// Why an archive or entry cannot be read: a problem code and the reason.
pub(crate) type Failure = (&'static str, String);

/// The bytes of an archive.
pub(crate) struct Source(Bytes);

impl ReaderAt for Source {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }
}

/// An opened archive.
pub(crate) struct Zip(ZipArchive<Source>);

/// One entry.
pub(crate) struct ZipEntry {
    pub(crate) name: String,
    method: CompressionMethod,
    encrypted: bool,
    at: ZipArchiveEntryWayfinder,
}

fn malformed(error: &rawzip::Error) -> Failure {
    ("zip-malformed", error.to_string())
}

impl Zip {
    /// Finds the central directory.
    pub(crate) fn open(bytes: Bytes) -> Result<Self, Failure> {
        let mut buffer = vec![0u8; RECOMMENDED_BUFFER_SIZE];
        let end = bytes.len();
        ZipLocator::new()
            .locate_in_reader(Source(bytes), &mut buffer, end)
            .map(Self)
            .map_err(|(_, error)| malformed(&error))
    }

    /// The entries whose name `wanted` takes, and whether all could be listed. Each entry looked at
    /// is taken off the budget.
    pub(crate) fn entries(
        &self,
        budget: &mut Budget,
        mut wanted: impl FnMut(&str) -> bool,
    ) -> (Vec<ZipEntry>, Result<(), Failure>) {
        let mut found = Vec::new();
        let mut buffer = vec![0u8; RECOMMENDED_BUFFER_SIZE];
        let mut entries = self.0.entries(&mut buffer);
        let mut count = 0;
        loop {
            match entries.next_entry() {
                Ok(Some(entry)) => {
                    count += 1;
                    if let Err(bound) = budget.take_entry() {
                        return (found, Err(("budget", bound.to_string())));
                    }
                    let name = String::from_utf8_lossy(entry.file_path().as_bytes());
                    if !entry.is_dir() && wanted(&name) {
                        found.push(ZipEntry {
                            name: name.into_owned(),
                            method: entry.compression_method(),
                            encrypted: entry.flags().is_encrypted(),
                            at: entry.wayfinder(),
                        });
                    }
                }
                Ok(None) if count < self.0.entries_hint() => {
                    let why = format!("{count} entries of {}", self.0.entries_hint());
                    return (found, Err(("zip-malformed", why)));
                }
                Ok(None) => return (found, Ok(())),
                Err(error) => return (found, Err(malformed(&error))),
            }
        }
    }

    /// The bytes of an entry, no more than `limit`, taken off the budget as they are unpacked. Sizes
    /// and checksums that the archive states are not looked at: the Java runtime does not either.
    pub(crate) fn read(&self, entry: &ZipEntry, limit: u64, budget: &mut Budget) -> Result<Vec<u8>, Failure> {
        if entry.encrypted {
            return Err(("zip-encrypted", "it is encrypted".to_owned()));
        }
        let data = self.0.get_entry(entry.at).map_err(|e| malformed(&e))?;
        let raw = data.reader();
        match entry.method {
            CompressionMethod::STORE => unpack(raw, limit, budget),
            CompressionMethod::DEFLATE => unpack(flate2::read::DeflateDecoder::new(raw), limit, budget),
            other => Err(("zip-method", format!("compression method {} is not read", other.as_u16()))),
        }
    }
}

fn unpack(mut source: impl Read, limit: u64, budget: &mut Budget) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let mut buffer = vec![0u8; 32 * 1024];
    loop {
        let n = source.read(&mut buffer).map_err(|e| ("zip-malformed", e.to_string()))?;
        if n == 0 {
            return Ok(out);
        }
        if let Err(bound) = budget.take_bytes(n as u64) {
            // Or every entry that follows would be unpacked up to here again.
            budget.bytes = 0;
            return Err(("budget", bound.to_string()));
        }
        if out.len() as u64 + n as u64 > limit {
            return Err(("budget", format!("more than {limit} bytes when unpacked")));
        }
        out.extend_from_slice(&buffer[..n]);
    }
}
