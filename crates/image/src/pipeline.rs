//! One layer as a pipeline: a thread reads and hashes what is stored, one unpacks, one hashes what was
//! unpacked, and the caller reads the archive, all in step through short queues. What a layer costs is
//! then about what its slowest part costs, which is unpacking.
//!
//! Whatever happens short of a bound, everything is read to its end, so that both digests are checked.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use cleanbill_model::{Algorithm, Budget, Digest, Hasher};

use crate::compression::{Unpacked, budget_error};
use crate::document::Descriptor;
use crate::tar::TarReader;

/// A problem of a whole layer: its code and why.
pub(crate) type Failure = (&'static str, String);

/// Bytes that go from thread to thread at once, and how many such pieces wait in a queue.
const CHUNK: usize = 128 << 10;
const QUEUE: usize = 4;

type Chunk = Arc<Vec<u8>>;

/// What a failed read means for the layer.
pub(crate) fn failure(error: &io::Error) -> Failure {
    match (budget_error(error), error.kind()) {
        (Some(bound), _) => ("budget", bound.to_string()),
        (None, io::ErrorKind::UnexpectedEof) => ("layer-truncated", error.to_string()),
        (None, io::ErrorKind::FileTooLarge) => ("layer-digest", error.to_string()),
        (None, _) => ("layer-unreadable", error.to_string()),
    }
}

/// The bound that all threads of a reading share.
pub(crate) struct Shared(Mutex<Budget>);

impl Shared {
    pub(crate) fn new(budget: &Budget) -> Self {
        Self(Mutex::new(budget.clone()))
    }

    /// What is left of it.
    pub(crate) fn left(&self) -> Budget {
        self.with(|budget| budget.clone())
    }

    pub(crate) fn with<T>(&self, each: impl FnOnce(&mut Budget) -> T) -> T {
        each(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads chunks that another thread sends.
pub(crate) struct Chunks {
    from: Receiver<io::Result<Chunk>>,
    /// Who gets every chunk as well.
    also: Option<SyncSender<Chunk>>,
    chunk: Option<Chunk>,
    at: usize,
}

impl Chunks {
    fn new(from: Receiver<io::Result<Chunk>>, also: Option<SyncSender<Chunk>>) -> Self {
        Self { from, also, chunk: None, at: 0 }
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(chunk) = &self.chunk
                && self.at < chunk.len()
            {
                let n = buffer.len().min(chunk.len() - self.at);
                buffer[..n].copy_from_slice(&chunk[self.at..self.at + n]);
                self.at += n;
                return Ok(n);
            }
            let Ok(next) = self.from.recv() else { return Ok(0) };
            let chunk = next?;
            if let Some(also) = &self.also {
                // The other side never goes before this one.
                let _ = also.send(chunk.clone());
            }
            self.chunk = Some(chunk);
            self.at = 0;
        }
    }
}

/// Sends all of `source`, chunk by chunk, until the receiver is gone: then it says false.
fn pump(mut source: impl Read, to: &SyncSender<io::Result<Chunk>>) -> bool {
    loop {
        let mut chunk = vec![0u8; CHUNK];
        let mut filled = 0;
        let mut failed = None;
        while filled < chunk.len() {
            match source.read(&mut chunk[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    failed = Some(e);
                    break;
                }
            }
        }
        let last = filled < chunk.len();
        chunk.truncate(filled);
        if filled > 0 && to.send(Ok(Arc::new(chunk))).is_err() {
            return false;
        }
        if let Some(error) = failed {
            let _ = to.send(Err(error));
        }
        if last {
            return true;
        }
    }
}

/// Takes what is unpacked off the bound.
struct Metered<'s, R> {
    source: R,
    shared: &'s Shared,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.shared.with(|budget| budget.take_bytes(n as u64)).map_err(io::Error::other)?;
        Ok(n)
    }
}

/// The stored bytes: hashed, counted, bounded by what the manifest says.
struct Stored<'s, R> {
    source: R,
    hasher: Hasher,
    count: u64,
    limit: u64,
    shared: &'s Shared,
    stop: &'s AtomicBool,
}

impl<R: Read> Stored<'_, R> {
    /// On to the end, for the digest's sake.
    fn drain(&mut self) -> io::Result<()> {
        let mut buffer = vec![0u8; CHUNK];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

impl<R: Read> Read for Stored<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.shared.with(|budget| budget.check()).map_err(io::Error::other)?;
        if self.stop.load(Ordering::Relaxed) {
            return Ok(0);
        }
        let n = self.source.read(buffer)?;
        self.count += n as u64;
        if self.count > self.limit {
            let why = format!("more than the {} bytes it should have", self.limit);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}

/// Runs the pipeline over a layer. `walk` reads the archive as far as it wants; an error of it is one
/// of the layer. Returns all that is wrong with the layer as a whole.
pub(crate) fn run(
    layer: &Descriptor,
    diff_id: Option<&Digest>,
    blob: Box<dyn Read + Send + '_>,
    shared: &Shared,
    walk: impl FnOnce(&mut TarReader<Chunks>) -> Result<(), Failure>,
) -> Vec<Failure> {
    let stop = &AtomicBool::new(false);
    let mut stored = Stored {
        source: blob,
        hasher: Hasher::new(layer.digest.algorithm()),
        count: 0,
        limit: layer.size,
        shared,
        stop,
    };
    thread::scope(|scope| {
        let (to_unpack, packed) = sync_channel(QUEUE);
        let (to_walk, unpacked) = sync_channel(QUEUE);
        let storage = scope.spawn(move || {
            // Whoever unpacks may stop early, at the end of the archive or in damaged bytes.
            let failed = if pump(&mut stored, &to_unpack) { None } else { stored.drain().err() };
            drop(to_unpack);
            (stored.hasher, stored.count, failed)
        });
        scope.spawn(move || match Unpacked::new(Chunks::new(packed, None)) {
            Ok(unpacked) => {
                pump(Metered { source: unpacked, shared }, &to_walk);
            }
            Err(error) => {
                let _ = to_walk.send(Err(error));
            }
        });
        let (to_hash, inflated) = sync_channel::<Chunk>(QUEUE);
        let hashing = scope.spawn(move || {
            let mut hasher = Hasher::new(diff_id.map_or(Algorithm::Sha256, Digest::algorithm));
            for chunk in inflated {
                if diff_id.is_some() {
                    hasher.update(&chunk);
                }
            }
            hasher
        });
        let mut tar = TarReader::new(Chunks::new(unpacked, Some(to_hash)));
        let walked = walk(&mut tar);
        let mut failures: Vec<Failure> = Vec::new();
        let mut ambiguities = tar.ambiguities().to_vec();
        ambiguities.sort_unstable();
        ambiguities.dedup();
        failures.extend(ambiguities.into_iter().map(|why| ("tar-ambiguous", why.to_owned())));
        let mut rest = tar.into_source();
        let whole = match walked {
            Ok(()) => io::copy(&mut rest, &mut io::sink()).map(|_| ()).map_err(|error| failure(&error)),
            Err(failure) => Err(failure),
        };
        if matches!(&whole, Err(failure) if failure.0 == "budget") {
            stop.store(true, Ordering::Relaxed);
        }
        drop(rest);
        // A digest that nobody took is not one that was right.
        let hasher = hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let (stored, count, failed) = storage.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        match whole {
            Ok(()) => {
                let actual = hasher.finish();
                if let Some(expected) = diff_id
                    && *expected != actual
                {
                    let why = format!("unpacked it has digest {actual}, the configuration says {expected}");
                    failures.push(("layer-diff-id", why));
                }
            }
            Err(failure) => {
                let bound = failure.0 == "budget";
                failures.push(failure);
                if bound {
                    return failures;
                }
            }
        }
        if let Some(error) = failed {
            let failure = failure(&error);
            if !failures.contains(&failure) {
                failures.push(failure);
            }
            return failures;
        }
        if failures.iter().any(|(code, why)| *code == "layer-digest" && why.starts_with("more than")) {
            return failures;
        }
        let actual = stored.finish();
        if actual != layer.digest {
            failures.push(("layer-digest", format!("it has digest {actual}, not {}", layer.digest)));
        } else if count != layer.size {
            failures.push(("layer-digest", format!("it has {count} bytes, the manifest says {}", layer.size)));
        }
        failures
    })
}
