//! Development only: every reader of outside bytes as a [`Target`], a plain function of bytes.
//!
//! A target ends without panic whatever it is given, in time and memory that its input's size explains,
//! and holds what its module says beside (what was read can be written and read again, an order is one).
//! `tests/targets.rs` runs each on its seeds, changed by a fixed sequence ([`Mutator`]); `./dev fuzz`
//! runs one for as long as is asked under cargo-fuzz, whose binary is `fuzz/fuzz_targets/any.rs`.
//!
//! To add one: a line in the `targets` of the module it belongs to.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod advisories;
mod bills;
mod cases;
mod catalogers;
mod exceptions;
mod images;
mod messages;
mod mutate;
mod trust;
mod words;

pub use mutate::Mutator;

use std::fmt;

use cleanbill_catalog::Cataloger;

/// Builders of archives and images, the same that the tests of the room `image` use.
#[path = "../../image/tests/build/mod.rs"]
pub mod build;
/// Builders of zips and programs, the same that the tests of the room `catalog` use.
#[path = "../../catalog/tests/fixture/mod.rs"]
pub mod fixture;

/// One reader.
pub struct Target {
    /// What it is called: `tar`, `catalog-dpkg`.
    pub name: String,
    /// How often the tests run it: as often as takes about a second where nothing is optimised.
    pub rounds: u32,
    /// What its format is made of, for the changes.
    pub words: &'static [&'static str],
    what: What,
}

enum What {
    Function { seeds: fn() -> Vec<Vec<u8>>, run: fn(&[u8]) },
    Cataloger(&'static Cataloger),
}

impl Target {
    fn new(
        name: &str,
        rounds: u32,
        words: &'static [&'static str],
        seeds: fn() -> Vec<Vec<u8>>,
        run: fn(&[u8]),
    ) -> Self {
        Self { name: name.to_owned(), rounds, words, what: What::Function { seeds, run } }
    }

    /// Inputs that are in order, or at least get somewhere.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        match self.what {
            What::Function { seeds, .. } => seeds(),
            What::Cataloger(cataloger) => catalogers::seeds(cataloger),
        }
    }

    /// Reads the bytes; panics where something is wrong with the reader.
    pub fn run(&self, bytes: &[u8]) {
        match self.what {
            What::Function { run, .. } => run(bytes),
            What::Cataloger(cataloger) => catalogers::run(cataloger, bytes),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("name", &self.name).finish_non_exhaustive()
    }
}

/// All targets.
pub fn targets() -> Vec<Target> {
    let mut all = images::targets();
    all.extend(catalogers::targets());
    all.extend(bills::targets());
    all.extend(advisories::targets());
    all.extend(words::targets());
    all.extend(exceptions::targets());
    all.extend(trust::targets());
    all.extend(messages::targets());
    all
}

/// The text of bytes, as readers of text get it.
fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Seeds that are texts.
fn texts(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}
