//! The publishers: one file each, which is also its manual page, and one line in [`ALL`].

pub mod alpine_secdb;
pub mod chainguard;
pub mod debian_tracker;
pub mod epss;
pub mod kev;
pub mod osv;
pub mod wolfi;

use crate::plan::Source;

/// Bytes of a MiB.
const MIB: u64 = 1 << 20;

/// All publishers, one line each.
pub const ALL: &[Source] = &[
    osv::SOURCE,
    debian_tracker::SOURCE,
    alpine_secdb::SOURCE,
    wolfi::SOURCE,
    chainguard::SOURCE,
    kev::SOURCE,
    epss::SOURCE,
];
