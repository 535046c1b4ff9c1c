//! Reading the layers of an image into one tree: each is streamed once, unpacked, hashed and applied
//! on the way, and no layer is ever held in memory. The only layers that are read a second time are
//! those that hold a file which turned out to be wanted through a link alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Read};
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use cleanbill_model::{Algorithm, Budget, Digest, Hasher, LayerInfo, Problem};

use crate::apply::{Applier, Place, clean};
use crate::document::Descriptor;
use crate::evidence::{Bytes, Memory};
use crate::listing::{self, Listed, Message, Select};
use crate::pipeline::Shared;
use crate::tar::EntryKind;
use crate::tree::{Evidence, File, Node, Tree};
use crate::wants::Wants;
use crate::{Blobs, Image, ImageError};

/// Problems of one kind in one layer that are told one by one.
const PROBLEM_LIMIT: usize = 20;
/// Batches of entries of one layer that wait to be applied.
const QUEUE: usize = 128;
/// Layers that are read at the same time, at most.
const AT_ONCE: usize = 4;

/// Reads every layer of `image` and squashes them: several at a time, applied in their order. What
/// could not be read becomes a problem of the tree; an error only where no layer could even be opened,
/// or somebody gave up waiting.
///
/// Problem codes: `layer-foreign`, `layer-encrypted`, `layer-unavailable`, `layer-unreadable`,
/// `layer-truncated`, `layer-digest`, `layer-diff-id`, `config-diff-ids`, `tar-entry`,
/// `tar-ambiguous`, `file-sparse`, `file-too-large`, `file-unreadable`, `budget`.
pub fn read_tree(image: &Image, blobs: &dyn Blobs, wants: &Wants, budget: &mut Budget) -> Result<Tree, ImageError> {
    let layers = &image.manifest.layers;
    let diff_ids = &image.config.diff_ids;
    let mut reading = Reading { tree: Tree::default(), wants };
    for (index, layer) in layers.iter().enumerate() {
        let info = LayerInfo { digest: layer.digest.clone(), diff_id: diff_ids.get(index).cloned(), size: layer.size };
        reading.tree.layers.push(info);
    }
    let memory = Memory::default();
    let shared = Shared::new(budget);
    let read = first(&mut reading, image, blobs, &memory, &shared);
    *budget = shared.left();
    read?;
    if diff_ids.len() != layers.len() {
        let why = format!("it names {} layers, the manifest {}", diff_ids.len(), layers.len());
        reading.tree.problems.push(Problem::new("config-diff-ids", "", "check the layers by the configuration", why));
    }
    reading.second(image, blobs, &memory, budget);
    reading.tree.problems.sort();
    reading.tree.problems.dedup();
    Ok(reading.tree)
}

/// What the reading of a layer begins with.
type Opened = Result<Receiver<Message>, ImageError>;

/// The first time: everything is applied, and kept where it is wanted.
fn first(
    reading: &mut Reading<'_>,
    image: &Image,
    blobs: &dyn Blobs,
    memory: &Memory,
    shared: &Shared,
) -> Result<(), ImageError> {
    let layers = &image.manifest.layers;
    let watch = shared.left();
    let limit = watch.file_bytes;
    let wants = reading.wants;
    let wanted: Vec<usize> = (0..layers.len()).filter(|i| not_for_us(&layers[*i]).is_none()).collect();
    let mut starts = Vec::new();
    let mut ends: HashMap<usize, Receiver<Opened>> = HashMap::new();
    for index in &wanted {
        let (start, end) = sync_channel::<Opened>(1);
        starts.push(Mutex::new(Some(start)));
        ends.insert(*index, end);
    }
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let (Some(index), Some(start)) = (wanted.get(turn), starts.get(turn)) else { return };
            let Some(start) = start.lock().ok().and_then(|mut s| s.take()) else { return };
            let layer = &layers[*index];
            let blob = match blobs.open(layer) {
                Ok(blob) => blob,
                Err(error) => {
                    let _ = start.send(Err(error));
                    continue;
                }
            };
            let (to, from): (SyncSender<Message>, Receiver<Message>) = sync_channel(QUEUE);
            if start.send(Ok(from)).is_err() {
                return;
            }
            let diff_id = image.config.diff_ids.get(*index);
            listing::read(layer, diff_id, blob, shared, &Select::Wants(wants), memory.spool(), limit, &to);
        }
    };
    let at_once = thread::available_parallelism().map_or(1, NonZero::get).min(AT_ONCE).min(wanted.len());
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(work);
        }
        let mut failed = None;
        let mut opened = 0;
        for (index, layer) in layers.iter().enumerate() {
            if let Some((code, why)) = not_for_us(layer) {
                reading.problem(layer, code, "", "read the layer", why);
                continue;
            }
            let Some(end) = ends.remove(&index) else { continue };
            match end.recv() {
                Ok(Ok(messages)) => {
                    opened += 1;
                    reading.apply(index, layer, messages);
                }
                Ok(Err(error)) => {
                    reading.problem(layer, "layer-unavailable", "", "read the layer", error.to_string());
                    failed.get_or_insert(error);
                }
                Err(_) => reading.problem(layer, "layer-unavailable", "", "read the layer", "its reader stopped"),
            }
            if let Err(source) = watch.check() {
                // Whoever still reads finds nobody listening.
                ends.clear();
                return Err(ImageError::Budget { what: image.name.clone(), source });
            }
        }
        match failed {
            Some(error) if opened == 0 => Err(error),
            _ => Ok(()),
        }
    })
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
    wants: &'w Wants,
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

    /// Applies one layer as it comes in.
    fn apply(&mut self, index: usize, layer: &Descriptor, messages: Receiver<Message>) {
        let mut applier = Applier::new(index);
        for message in messages {
            match message {
                Message::Entries(entries) => {
                    for listed in entries {
                        self.entry(&mut applier, layer, listed);
                    }
                }
                Message::End(failures) => {
                    for (code, why) in failures {
                        self.problem(layer, code, "", "read the layer", why);
                    }
                }
            }
        }
    }

    fn entry(&mut self, applier: &mut Applier, layer: &Descriptor, listed: Listed) {
        let Listed { ordinal, entry, evidence, contents, problem } = listed;
        let path = match applier.place(&mut self.tree, &entry.name) {
            Ok(_) if entry.kind == EntryKind::Other(b'g') => return,
            Ok(Place::Nowhere) => return,
            Ok(Place::Whiteout(path)) => return applier.hide(&mut self.tree, &path),
            Ok(Place::Opaque(path)) => return applier.hide_below(&mut self.tree, &path),
            Ok(Place::At(path)) => path,
            Err(why) => return self.entry_problem(layer, "tar-entry", &entry.name, why),
        };
        if let Some((code, why)) = problem {
            self.entry_problem(layer, code, &path, why);
        }
        let index = applier.layer;
        let file = |evidence, contents| {
            Node::File(File { size: entry.size, layer: index, origin: (index, ordinal), evidence, contents })
        };
        let node = match entry.kind {
            EntryKind::Directory => Node::Directory { layer: index },
            EntryKind::Special => Node::Special { layer: index },
            EntryKind::Symlink if entry.link.len() > 4096 => {
                let why = "it links to a path longer than any system takes";
                return self.entry_problem(layer, "tar-entry", &path, why);
            }
            EntryKind::Symlink => Node::Symlink { target: entry.link.into(), layer: index },
            EntryKind::HardLink => match applier.linked(&self.tree, &entry.link) {
                Some(node) => node,
                None => {
                    let target = String::from_utf8_lossy(&entry.link);
                    let why = format!("it is a hard link to `{target}`, which is not there");
                    return self.entry_problem(layer, "tar-entry", &path, why);
                }
            },
            EntryKind::Sparse => {
                self.entry_problem(layer, "file-sparse", &path, "sparse files are not looked into");
                file(Evidence::Refused, Box::default())
            }
            EntryKind::File => file(evidence, contents),
            EntryKind::Other(kind) => {
                let why = format!("its type {:?} is one that no runtime unpacks", char::from(kind));
                return self.entry_problem(layer, "tar-entry", &path, why);
            }
        };
        applier.insert(&mut self.tree, path, node);
    }

    /// The second time, for files that are wanted by a name which links to them alone.
    fn second(&mut self, image: &Image, blobs: &dyn Blobs, memory: &Memory, budget: &mut Budget) {
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
        let limit = budget.file_bytes;
        let shared = Shared::new(budget);
        for (index, ordinals) in missing {
            let Some(layer) = image.manifest.layers.get(index) else { continue };
            let mut found: HashMap<u64, Bytes> = HashMap::new();
            let mut problems = Vec::new();
            match blobs.open(layer) {
                Ok(blob) => thread::scope(|scope| {
                    let (to, from) = sync_channel(QUEUE);
                    let (ordinals, shared, spool) = (&ordinals, &shared, memory.spool());
                    scope.spawn(move || {
                        listing::read(layer, None, blob, shared, &Select::Ordinals(ordinals), spool, limit, &to);
                    });
                    for message in from {
                        match message {
                            Message::Entries(entries) => {
                                for listed in entries.into_iter().filter(|l| ordinals.contains(&l.ordinal)) {
                                    if let Evidence::Kept(bytes) = listed.evidence {
                                        found.insert(listed.ordinal, bytes);
                                    } else if let Some((code, why)) = listed.problem {
                                        self.entry_problem(layer, code, &clean(&listed.entry.name), why);
                                    }
                                }
                            }
                            Message::End(failures) => problems.extend(failures),
                        }
                    }
                }),
                Err(error) => problems.push(("layer-unavailable", error.to_string())),
            }
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
        *budget = shared.left();
    }
}

/// The digest of some bytes, read to their end, and their number.
pub(crate) fn hash(mut source: impl Read) -> io::Result<(Digest, u64)> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut buffer = vec![0u8; 128 << 10];
    let mut count = 0;
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finish(), count)),
            Ok(n) => {
                hasher.update(&buffer[..n]);
                count += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
