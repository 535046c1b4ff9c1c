//! Documents are read by several threads; what comes of them is put together in the order in which they
//! were found, so that the same input gives the same output.

use crate::documents;
use crate::input::judge;
use crate::sink::Sink;
use cleanbill_model::Problem;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};

/// A batch is handed on when it has so many bytes or documents.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_DOCUMENTS: usize = 256;
/// More threads than this gain nothing: one unpacks.
const THREADS: usize = 8;

/// A whole document.
pub(crate) struct Document {
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
    /// Why it ends here, if it should not.
    pub(crate) cut: Option<String>,
}

enum Item {
    Document(Document),
    Problem(Problem),
}

type Batch = (usize, Vec<Item>);

/// Where documents and problems are handed to.
pub(crate) struct Workers {
    items: Vec<Item>,
    bytes: usize,
    number: usize,
    batches: SyncSender<Batch>,
    done: Sender<(usize, Sink)>,
}

impl Workers {
    /// Runs `walk`, which hands over what it finds; gives all that came of it.
    pub(crate) fn run(walk: impl FnOnce(&mut Workers)) -> Sink {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(THREADS);
        let (batches, todo) = sync_channel(threads);
        let (done, sinks) = channel();
        let todo = Mutex::new(todo);
        let mut sinks: Vec<(usize, Sink)> = std::thread::scope(|scope| {
            for _ in 0..threads {
                let (todo, done) = (&todo, done.clone());
                scope.spawn(move || work(todo, &done));
            }
            let mut workers = Workers { items: Vec::new(), bytes: 0, number: 0, batches, done };
            walk(&mut workers);
            workers.flush();
            drop(workers);
            sinks.iter().collect()
        });
        sinks.sort_by_key(|(number, _)| *number);
        let mut all = Sink::default();
        for (_, sink) in sinks {
            all.absorb(sink);
        }
        all
    }

    pub(crate) fn problem(&mut self, code: &str, path: &str, what: &str, why: &str) {
        self.items.push(Item::Problem(Problem::new(code, path, what, why)));
    }

    pub(crate) fn document(&mut self, document: Document) {
        self.bytes += document.bytes.len();
        self.items.push(Item::Document(document));
        if self.bytes >= BATCH_BYTES || self.items.len() >= BATCH_DOCUMENTS {
            self.flush();
        }
    }

    /// Reads a document in this thread, at its place.
    pub(crate) fn stream(&mut self, path: &str, read: impl FnOnce(&mut Sink)) {
        self.flush();
        let mut sink = Sink::default();
        path.clone_into(&mut sink.path);
        read(&mut sink);
        // The receiver is there until all senders are gone.
        let _ = self.done.send((self.number, sink));
        self.number += 1;
    }

    fn flush(&mut self) {
        if self.items.is_empty() {
            return;
        }
        self.bytes = 0;
        // The threads take batches until this sender is gone.
        let _ = self.batches.send((self.number, std::mem::take(&mut self.items)));
        self.number += 1;
    }
}

fn work(todo: &Mutex<Receiver<Batch>>, done: &Sender<(usize, Sink)>) {
    loop {
        let batch = todo.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, items)) = batch else { return };
        let mut sink = Sink::default();
        for item in items {
            match item {
                Item::Problem(problem) => sink.add_problem(problem),
                Item::Document(document) => {
                    sink.path = document.path;
                    if let Some(why) = document.cut {
                        sink.problem("advisory-unreadable", "read the whole file", why);
                        if document.bytes.trim_ascii().is_empty() {
                            continue;
                        }
                    }
                    let form = documents::read_bytes(&document.bytes, &mut sink);
                    judge(form, &mut sink);
                }
            }
        }
        if done.send((number, sink)).is_err() {
            return;
        }
    }
}
