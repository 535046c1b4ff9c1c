//! Reading the layers of an image into one tree: each is streamed once, unpacked, hashed and applied
//! on the way, and no layer is ever held in memory. The only layers that are read a second time are
//! those that hold a file which turned out to be wanted through a link alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Read};

use cleanbill_model::{Algorithm, Budget, BudgetError, Digest, LayerInfo, Problem};

use crate::apply::{Applier, Place};
use crate::compression::{Metered, Stored, Unpacked, budget_error, drain};
use crate::document::Descriptor;
use crate::evidence::{Bytes, Spool};
use crate::tar::{Entry, EntryKind, TarError, TarReader};
use crate::tree::{Evidence, File, Node, Tree};
use crate::wants::Wants;
use crate::{Blobs, Image, ImageError};

/// Problems of one kind in one layer that are told one by one.
const PROBLEM_LIMIT: usize = 20;

/// Reads every layer of `image` and squashes them. What could not be read becomes a problem of the
/// tree; an error only where no layer could even be opened, or somebody gave up waiting.
///
/// Problem codes: `layer-foreign`, `layer-encrypted`, `layer-unavailable`, `layer-unreadable`,
/// `layer-truncated`, `layer-digest`, `layer-diff-id`, `config-diff-ids`, `tar-entry`,
/// `tar-ambiguous`, `file-sparse`, `file-too-large`, `file-unreadable`, `budget`.
pub fn read_tree(image: &Image, blobs: &dyn Blobs, wants: &Wants, budget: &mut Budget) -> Result<Tree, ImageError> {
    let diff_ids = &image.config.diff_ids;
    let mut reading = Reading { tree: Tree::default(), spool: Spool::default(), wants, limit: budget.file_bytes };
    let mut failed = None;
    let mut opened = 0;
    for (index, layer) in image.manifest.layers.iter().enumerate() {
        let diff_id = diff_ids.get(index);
        let info = LayerInfo { digest: layer.digest.clone(), diff_id: diff_id.cloned(), size: layer.size };
        reading.tree.layers.push(info);
        if let Some((code, why)) = not_for_us(layer) {
            reading.problem(layer, code, "", "read the layer", why);
            continue;
        }
        budget.check().map_err(|source| ImageError::Budget { what: image.name.clone(), source })?;
        match blobs.open(layer) {
            Ok(blob) => {
                opened += 1;
                reading.first(index, layer, diff_id, blob, budget);
            }
            Err(error) => {
                reading.problem(layer, "layer-unavailable", "", "read the layer", error.to_string());
                failed.get_or_insert(error);
            }
        }
    }
    match failed {
        Some(error) if opened == 0 => return Err(error),
        _ => {}
    }
    if diff_ids.len() != image.manifest.layers.len() {
        let why = format!("it names {} layers, the manifest {}", diff_ids.len(), image.manifest.layers.len());
        reading.tree.problems.push(Problem::new("config-diff-ids", "", "check the layers by the configuration", why));
    }
    reading.second(image, blobs, budget);
    reading.tree.problems.sort();
    reading.tree.problems.dedup();
    Ok(reading.tree)
}

/// Why a layer is not read at all.
fn not_for_us(layer: &Descriptor) -> Option<(&'static str, String)> {
    let media_type = &layer.media_type;
    let foreign = media_type.contains(".nondistributable.") || media_type.contains(".rootfs.foreign.");
    if foreign && !layer.urls.is_empty() {
        let why = format!("it is kept elsewhere ({}) and foreign addresses are never fetched", layer.urls.join(", "));
        return Some(("layer-foreign", why));
    }
    media_type.ends_with("+encrypted").then(|| ("layer-encrypted", "it is encrypted".to_owned()))
}

struct Reading<'w> {
    tree: Tree,
    spool: Spool,
    wants: &'w Wants,
    /// Bytes of one file that are kept.
    limit: u64,
}

impl Reading<'_> {
    fn problem(&mut self, layer: &Descriptor, code: &str, path: &str, what: &str, why: impl Into<String>) {
        self.tree.problems.push(Problem::new(code, path, what, why).in_layer(layer.digest.clone()));
    }

    /// A problem with one of many entries; after the first few they are not told any more.
    fn entry_problem(&mut self, layer: &Descriptor, code: &str, path: &[u8], why: impl Into<String>) {
        let same = |p: &&Problem| p.code == code && p.layer.as_ref() == Some(&layer.digest);
        match self.tree.problems.iter().filter(same).count() {
            n if n < PROBLEM_LIMIT => {
                self.problem(layer, code, &String::from_utf8_lossy(path), "read an entry of the layer", why);
            }
            PROBLEM_LIMIT => self.problem(layer, code, "", "read an entry of the layer", "there are more like this"),
            _ => {}
        }
    }

    /// The first time: everything is applied, and kept where it is wanted.
    fn first(
        &mut self,
        index: usize,
        layer: &Descriptor,
        diff_id: Option<&Digest>,
        blob: Box<dyn Read + Send + '_>,
        budget: &mut Budget,
    ) {
        let mut applier = Applier::new(index);
        let outcome = stream(layer, diff_id, blob, budget, |ordinal, entry, tar| {
            self.entry(&mut applier, layer, ordinal, entry, tar)
        });
        for (code, why) in outcome {
            self.problem(layer, code, "", "read the layer", why);
        }
    }

    fn entry<R: Read>(
        &mut self,
        applier: &mut Applier,
        layer: &Descriptor,
        ordinal: u64,
        entry: Entry,
        tar: &mut TarReader<R>,
    ) -> io::Result<()> {
        let path = match applier.place(&mut self.tree, &entry.name) {
            Ok(_) if entry.kind == EntryKind::Other(b'g') => return Ok(()),
            Ok(Place::Nowhere) => return Ok(()),
            Ok(Place::Whiteout(path)) => {
                applier.hide(&mut self.tree, &path);
                return Ok(());
            }
            Ok(Place::Opaque(path)) => {
                applier.hide_below(&mut self.tree, &path);
                return Ok(());
            }
            Ok(Place::At(path)) => path,
            Err(why) => {
                self.entry_problem(layer, "tar-entry", &entry.name, why);
                return Ok(());
            }
        };
        let index = applier.layer;
        let node = match entry.kind {
            EntryKind::Directory => Node::Directory { layer: index },
            EntryKind::Special => Node::Special { layer: index },
            EntryKind::Symlink if entry.link.len() > 4096 => {
                self.entry_problem(layer, "tar-entry", &path, "it links to a path longer than any system takes");
                return Ok(());
            }
            EntryKind::Symlink => Node::Symlink { target: entry.link.into(), layer: index },
            EntryKind::HardLink => match applier.linked(&self.tree, &entry.link) {
                Some(node) => node,
                None => {
                    let why =
                        format!("it is a hard link to `{}`, which is not there", String::from_utf8_lossy(&entry.link));
                    self.entry_problem(layer, "tar-entry", &path, why);
                    return Ok(());
                }
            },
            EntryKind::Sparse => {
                self.entry_problem(layer, "file-sparse", &path, "sparse files are not looked into");
                Node::File(File {
                    size: entry.size,
                    layer: index,
                    origin: (index, ordinal),
                    evidence: Evidence::Refused,
                    content: None,
                })
            }
            EntryKind::File => {
                let by_name = self.wants.path(&path) || self.wants.path(&crate::apply::clean(&entry.name));
                let (evidence, content) = self.data(layer, &path, entry.size, by_name, tar)?;
                Node::File(File { size: entry.size, layer: index, origin: (index, ordinal), evidence, content })
            }
            EntryKind::Other(kind) => {
                let why = format!("its type {:?} is one that no runtime unpacks", char::from(kind));
                self.entry_problem(layer, "tar-entry", &path, why);
                return Ok(());
            }
        };
        applier.insert(&mut self.tree, path, node);
        Ok(())
    }

    /// Reads the data of a file as far as somebody wants it.
    fn data<R: Read>(
        &mut self,
        layer: &Descriptor,
        path: &[u8],
        size: u64,
        by_name: bool,
        tar: &mut TarReader<R>,
    ) -> io::Result<(Evidence, Option<crate::Content>)> {
        let mut head = [0u8; Wants::HEAD];
        let mut filled = 0;
        while filled < head.len() {
            match tar.read_data(&mut head[filled..])? {
                0 => break,
                n => filled += n,
            }
        }
        let content = self.wants.content(&head[..filled]);
        if !by_name && content.is_none() {
            return Ok((Evidence::NotWanted, None));
        }
        if size > self.limit {
            let why = format!("{size} bytes, more than the {} that are looked into", self.limit);
            self.entry_problem(layer, "file-too-large", path, why);
            return Ok((Evidence::Refused, None));
        }
        let mut search = content.map(|c| Search::new(c.marker));
        let mut keeping = self.spool.keep();
        let mut buffer = vec![0u8; 64 * 1024];
        buffer[..filled].copy_from_slice(&head[..filled]);
        loop {
            let chunk = &buffer[..filled];
            if let Some(search) = &mut search {
                search.feed(chunk);
            }
            if let Err(error) = keeping.write(chunk) {
                self.entry_problem(layer, "file-unreadable", path, error.to_string());
                return Ok((Evidence::Refused, None));
            }
            filled = tar.read_data(&mut buffer)?;
            if filled == 0 {
                break;
            }
        }
        let content = content.filter(|_| search.is_some_and(|s| s.found));
        if !by_name && content.is_none() {
            return Ok((Evidence::NotWanted, None));
        }
        match keeping.finish() {
            Ok(bytes) => Ok((Evidence::Kept(bytes), content)),
            Err(error) => {
                self.entry_problem(layer, "file-unreadable", path, error.to_string());
                Ok((Evidence::Refused, None))
            }
        }
    }

    /// The second time, for files that are wanted by a name which links to them alone.
    fn second(&mut self, image: &Image, blobs: &dyn Blobs, budget: &mut Budget) {
        let mut missing: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
        let mut links = self.tree.wanted(self.wants);
        // A hard link is a file of its own name.
        let named = self.tree.iter().filter(|(path, _)| self.wants.path(path));
        links.extend(named.map(|(path, _)| (path.to_vec(), path.to_vec())).collect::<Vec<_>>());
        for (_, real) in &links {
            if let Some(Node::File(File { origin, evidence: Evidence::NotWanted, .. })) = self.tree.get(real) {
                missing.entry(origin.0).or_default().insert(origin.1);
            }
        }
        for (index, ordinals) in missing {
            let Some(layer) = image.manifest.layers.get(index) else { continue };
            let mut found: HashMap<u64, Bytes> = HashMap::new();
            let mut problems = match blobs.open(layer) {
                Ok(blob) => stream(layer, None, blob, budget, |ordinal, entry, tar| {
                    if ordinals.contains(&ordinal) {
                        let (evidence, _) = self.data(layer, &entry.name, entry.size, true, tar)?;
                        if let Evidence::Kept(bytes) = evidence {
                            found.insert(ordinal, bytes);
                        }
                    }
                    Ok(())
                }),
                Err(error) => vec![("layer-unavailable", error.to_string())],
            };
            if found.len() < ordinals.len() && problems.is_empty() {
                problems.push(("file-unreadable", "a file that links lead to could not be read".to_owned()));
            }
            for (code, why) in problems {
                self.problem(layer, code, "", "read the layer again for files that links lead to", why);
            }
            for node in self.tree.nodes.values_mut() {
                if let Node::File(file) = node
                    && matches!(file.evidence, Evidence::NotWanted)
                    && file.origin.0 == index
                    && let Some(bytes) = found.get(&file.origin.1)
                {
                    file.evidence = Evidence::Kept(bytes.clone());
                }
            }
        }
    }
}

/// Looks for a marker in bytes that come in pieces.
struct Search {
    marker: &'static [u8],
    tail: Vec<u8>,
    found: bool,
}

impl Search {
    fn new(marker: &'static [u8]) -> Self {
        Self { marker, tail: Vec::new(), found: marker.is_empty() }
    }

    fn feed(&mut self, chunk: &[u8]) {
        if self.found {
            return;
        }
        let keep = self.marker.len() - 1;
        self.tail.extend_from_slice(&chunk[..chunk.len().min(keep)]);
        self.found = contains(&self.tail, self.marker) || contains(chunk, self.marker);
        if chunk.len() >= keep {
            self.tail = chunk[chunk.len() - keep..].to_vec();
        } else {
            self.tail.drain(..self.tail.len().saturating_sub(keep));
        }
    }
}

fn contains(bytes: &[u8], marker: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|b| *b == marker[0]) {
        if rest[at..].starts_with(marker) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

type Failure = (&'static str, String);

fn failure(error: &io::Error) -> Failure {
    match (budget_error(error), error.kind()) {
        (Some(bound), _) => ("budget", bound.to_string()),
        (None, io::ErrorKind::UnexpectedEof) => ("layer-truncated", error.to_string()),
        (None, io::ErrorKind::FileTooLarge) => ("layer-digest", error.to_string()),
        (None, _) => ("layer-unreadable", error.to_string()),
    }
}

/// One pass over a layer: `each` gets every entry with its ordinal. Reads on to the end of the bytes
/// whatever happens short of a bound, so that both digests are checked.
fn stream(
    layer: &Descriptor,
    diff_id: Option<&Digest>,
    blob: Box<dyn Read + Send + '_>,
    budget: &mut Budget,
    mut each: impl FnMut(
        u64,
        Entry,
        &mut TarReader<Metered<'_, Unpacked<Stored<Box<dyn Read + Send + '_>>>>>,
    ) -> io::Result<()>,
) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    let stored = Stored::new(blob, layer.digest.algorithm(), layer.size);
    let unpacked = match Unpacked::new(stored) {
        Ok(unpacked) => unpacked,
        Err(error) => return vec![failure(&error)],
    };
    let metered = Metered::new(unpacked, budget, diff_id.map(|d| d.algorithm()));
    let mut tar = TarReader::new(metered);
    let mut ordinal = 0;
    let walked = loop {
        match tar.next_entry() {
            Ok(None) => break Ok(()),
            Err(TarError::Io(error)) => break Err(failure(&error)),
            Err(error) => break Err(("layer-unreadable", error.to_string())),
            Ok(Some(entry)) => {
                if let Err(bound) = tar.source().budget.take_entry() {
                    break Err(failure(&io::Error::other(bound)));
                }
                if let Err(error) = each(ordinal, entry, &mut tar) {
                    break Err(failure(&error));
                }
                ordinal += 1;
            }
        }
    };
    let mut ambiguities = tar.ambiguities().to_vec();
    ambiguities.sort_unstable();
    ambiguities.dedup();
    failures.extend(ambiguities.into_iter().map(|why| ("tar-ambiguous", why.to_owned())));
    let mut metered = tar.into_source();
    let whole = match walked {
        Ok(()) => drain(&mut metered).map_err(|error| failure(&error)),
        Err(failure) => Err(failure),
    };
    let bound = metered.budget.clone();
    let (unpacked, actual) = metered.finish();
    let mut stored = unpacked.into_source();
    match whole {
        Ok(()) => {
            if let (Some(expected), Some(actual)) = (diff_id, actual)
                && *expected != actual
            {
                let why = format!("unpacked it has digest {actual}, the configuration says {expected}");
                failures.push(("layer-diff-id", why));
            }
        }
        Err(failure) => {
            let stop = failure.0 == "budget";
            failures.push(failure);
            if stop {
                return failures;
            }
        }
    }
    if let Err(error) = drain(&mut Guarded { source: &mut stored, budget: &bound }) {
        let failure = failure(&error);
        if !failures.contains(&failure) {
            failures.push(failure);
        }
        return failures;
    }
    let (actual, count) = stored.finish();
    if actual != layer.digest {
        failures.push(("layer-digest", format!("it has digest {actual}, not {}", layer.digest)));
    } else if count != layer.size {
        failures.push(("layer-digest", format!("it has {count} bytes, the manifest says {}", layer.size)));
    }
    failures
}

/// Stops a reader when time is up.
struct Guarded<'a, R> {
    source: &'a mut R,
    budget: &'a Budget,
}

impl<R: Read> Read for Guarded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.budget.check().map_err(|e: BudgetError| io::Error::other(e))?;
        self.source.read(buffer)
    }
}

/// The digest of some bytes, read to their end, and their number.
pub(crate) fn hash(source: impl Read) -> io::Result<(Digest, u64)> {
    let mut stored = Stored::new(source, Algorithm::Sha256, u64::MAX);
    drain(&mut stored)?;
    Ok(stored.finish())
}
