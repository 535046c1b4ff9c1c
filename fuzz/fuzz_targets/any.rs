//! The target of `crates/fuzz` that `CLEANBILL_FUZZ_TARGET` names, under libFuzzer. One binary for all, so that
//! eighty need not be linked.
#![no_main]

use std::sync::LazyLock;

use cleanbill_fuzz::{Target, targets};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("CLEANBILL_FUZZ_TARGET").unwrap_or_default();
    let found = targets().into_iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("CLEANBILL_FUZZ_TARGET names no target: `{name}`"))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.run(bytes));
