//! What one layer says, entry by entry, before it is applied: names, kinds, links, and the bytes of the
//! files that somebody wants by name or content.

use std::io;
use std::sync::mpsc::SyncSender;

use memchr::memmem::Finder;

use crate::apply::clean;
use crate::document::Descriptor;
use crate::evidence::Spool;
use crate::pipeline::{self, Chunks, Failure, Shared, failure};
use crate::tar::{Entry, EntryKind, TarError, TarReader};
use crate::tree::Evidence;
use crate::wants::{Content, Wants};
use cleanbill_model::Digest;

/// Entries that go to whoever applies them at once.
const BATCH: usize = 256;

/// One entry, ready to be applied.
pub(crate) struct Listed {
    /// Its place in the archive.
    pub(crate) ordinal: u64,
    pub(crate) entry: Entry,
    pub(crate) evidence: Evidence,
    pub(crate) contents: Box<[Content]>,
    /// Why its data could not be kept: code and reason.
    pub(crate) problem: Option<Failure>,
}

/// What comes out of the reading of a layer, in this order.
pub(crate) enum Message {
    /// Some of its entries.
    Entries(Vec<Listed>),
    /// All that is wrong with it as a whole; nothing follows.
    End(Vec<Failure>),
}

/// Who decides which data is kept.
pub(crate) enum Select<'w> {
    /// By name and content.
    Wants(&'w Wants),
    /// The entries at these places.
    Ordinals(&'w std::collections::BTreeSet<u64>),
}

/// Reads a layer and sends what is in it; stops early only when nobody listens any more.
pub(crate) fn read(
    layer: &Descriptor,
    diff_id: Option<&Digest>,
    blob: Box<dyn io::Read + Send + '_>,
    shared: &Shared,
    select: &Select<'_>,
    mut spool: Spool,
    limit: u64,
    to: &SyncSender<Message>,
) {
    let mut failures = pipeline::run(layer, diff_id, blob, shared, |tar| {
        let mut batch = Vec::with_capacity(BATCH);
        let mut ordinal = 0;
        let walked = loop {
            let entry = match tar.next_entry() {
                Ok(None) => break Ok(()),
                Err(TarError::Io(error)) => break Err(failure(&error)),
                Err(error) => break Err(("layer-unreadable", error.to_string())),
                Ok(Some(entry)) => entry,
            };
            if let Err(bound) = shared.with(|budget| budget.take_entry()) {
                break Err(failure(&io::Error::other(bound)));
            }
            match list(ordinal, entry, tar, select, &mut spool, limit) {
                Ok(listed) => batch.push(listed),
                Err(error) => break Err(failure(&error)),
            }
            ordinal += 1;
            if batch.len() == BATCH {
                let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                if to.send(Message::Entries(full)).is_err() {
                    break Err(("budget", "nobody waits for it any more".to_owned()));
                }
            }
        };
        let _ = to.send(Message::Entries(batch));
        walked
    });
    failures.dedup();
    let _ = to.send(Message::End(failures));
}

fn list(
    ordinal: u64,
    entry: Entry,
    tar: &mut TarReader<Chunks>,
    select: &Select<'_>,
    spool: &mut Spool,
    limit: u64,
) -> io::Result<Listed> {
    let mut listed = Listed { ordinal, entry, evidence: Evidence::NotWanted, contents: Box::default(), problem: None };
    if listed.entry.kind != EntryKind::File {
        return Ok(listed);
    }
    let mut head = [0u8; Wants::HEAD];
    let mut filled = 0;
    while filled < head.len() {
        match tar.read_data(&mut head[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    let (by_name, contents) = match select {
        Select::Wants(wants) => (wants.path(&clean(&listed.entry.name)), wants.content(&head[..filled])),
        Select::Ordinals(ordinals) => (ordinals.contains(&ordinal), Vec::new()),
    };
    if !by_name && contents.is_empty() {
        return Ok(listed);
    }
    let size = listed.entry.size;
    if size > limit {
        let why = format!("{size} bytes, more than the {limit} that are looked into");
        listed.evidence = Evidence::Refused;
        listed.problem = Some(("file-too-large", why));
        return Ok(listed);
    }
    let mut searches: Vec<Search> = contents.into_iter().map(Search::new).collect();
    let mut keeping = spool.keep(size);
    let mut buffer = vec![0u8; usize::try_from(size).unwrap_or(usize::MAX).clamp(Wants::HEAD, 256 << 10)];
    buffer[..filled].copy_from_slice(&head[..filled]);
    loop {
        let chunk = &buffer[..filled];
        for search in &mut searches {
            search.feed(chunk);
        }
        if let Err(error) = keeping.write(chunk) {
            listed.evidence = Evidence::Refused;
            listed.problem = Some(("file-unreadable", error.to_string()));
            return Ok(listed);
        }
        filled = tar.read_data(&mut buffer)?;
        if filled == 0 {
            break;
        }
    }
    listed.contents = searches.into_iter().filter(|s| s.found).map(|s| s.content).collect();
    if by_name || !listed.contents.is_empty() {
        match keeping.finish() {
            Ok(bytes) => listed.evidence = Evidence::Kept(bytes),
            Err(error) => {
                listed.evidence = Evidence::Refused;
                listed.problem = Some(("file-unreadable", error.to_string()));
            }
        }
    }
    Ok(listed)
}

/// Looks for a marker in bytes that come in pieces.
pub(crate) struct Search {
    pub(crate) content: Content,
    pub(crate) found: bool,
    finder: Finder<'static>,
    tail: Vec<u8>,
}

impl Search {
    pub(crate) fn new(content: Content) -> Self {
        let marker = content.marker;
        Self { content, found: marker.is_empty(), finder: Finder::new(marker), tail: Vec::new() }
    }

    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        if self.found {
            return;
        }
        let keep = self.content.marker.len() - 1;
        self.tail.extend_from_slice(&chunk[..chunk.len().min(keep)]);
        self.found = self.finder.find(&self.tail).is_some() || self.finder.find(chunk).is_some();
        if chunk.len() >= keep {
            self.tail = chunk[chunk.len() - keep..].to_vec();
        } else {
            self.tail.drain(..self.tail.len().saturating_sub(keep));
        }
    }
}
