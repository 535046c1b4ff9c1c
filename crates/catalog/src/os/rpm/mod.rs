//! # rpm
//!
//! Reads what is installed from the database of rpm, in the three formats it has had: SQLite
//! (`rpmdb.sqlite`, with what is still in its write-ahead log), ndb (`Packages.db`, SUSE) and the hash
//! tables of Berkeley DB (`Packages`, up to RHEL 8 and Amazon Linux 2), each in `var/lib/rpm`,
//! `usr/lib/sysimage/rpm` or `usr/share/rpm`. All three hold one header a package, which is read from
//! its place in the file; no database is copied or held whole. Images of Mariner and Azure Linux
//! without rpm have `var/lib/rpmmanifest/container-manifest-2` instead, a line a package.
//!
//! The version is as rpm says it, `[EPOCH:]VERSION-RELEASE`. The source package is read from the name
//! of the source archive, `glibc-2.34-60.el9.src.rpm`; it has the epoch of the binary, since that name
//! states none. `gpg-pubkey` is a key and no package.
//!
//! A package is `pkg:rpm/NAMESPACE/NAME@VERSION-RELEASE?arch=…&distro=…&epoch=…&upstream=…`, with
//! `rpmmod`, the module it comes from, where there is one; namespace and distro are filled in from
//! os-release. Problems: `rpm-database` for damage to the database, `rpm-header` for one to a header,
//! `rpm-manifest` for a line that cannot be understood, `rpm-files` where the file lists are larger than
//! can be.

mod bdb;
mod header;
mod manifest;
mod ndb;
mod package;
mod sqlite;
mod wal;

use cleanbill_image::{Bytes, Pattern};
use cleanbill_model::Kind;

use super::file_lists::FileLists;
use crate::cataloger::{Cataloger, Evidence, Found, Want};

/// The cataloger.
pub(crate) static RPM: Cataloger = Cataloger {
    id: "rpm",
    version: 1,
    kind: Kind::Installed,
    wants: &[
        Want::Path(Pattern::Path("var/lib/rpm/Packages")),
        Want::Path(Pattern::Path("usr/lib/sysimage/rpm/Packages")),
        Want::Path(Pattern::Path("usr/share/rpm/Packages")),
        Want::Path(Pattern::Path("var/lib/rpm/Packages.db")),
        Want::Path(Pattern::Path("usr/lib/sysimage/rpm/Packages.db")),
        Want::Path(Pattern::Path("usr/share/rpm/Packages.db")),
        Want::With(Pattern::Path("var/lib/rpm/rpmdb.sqlite"), &[WAL]),
        Want::With(Pattern::Path("usr/lib/sysimage/rpm/rpmdb.sqlite"), &[WAL]),
        Want::With(Pattern::Path("usr/share/rpm/rpmdb.sqlite"), &[WAL]),
        Want::Path(Pattern::Path("var/lib/rpmmanifest/container-manifest-2")),
    ],
    read,
};

const WAL: &str = "rpmdb.sqlite-wal";
const WHAT: &str = "read the package database";
/// The largest header; rpm itself takes four times as much, no package has a tenth.
const HEADER_LIMIT: u64 = 64 << 20;
/// Problems of one kind that are told one by one.
const TOLD: usize = 10;

fn read(evidence: &Evidence, found: &mut Found) {
    let mut reading = Reading::new(&evidence.path, found);
    match evidence.name() {
        "container-manifest-2" => manifest::read(&evidence.bytes, &mut reading),
        "rpmdb.sqlite" => sqlite::read(&evidence.bytes, evidence.sibling(WAL), &mut reading),
        "Packages.db" => ndb::read(&evidence.bytes, &mut reading),
        _ => bdb::read(&evidence.bytes, &mut reading),
    }
    reading.finish();
}

/// One database that is being read: takes headers and damage, whatever the format.
struct Reading<'a> {
    path: &'a str,
    found: &'a mut Found,
    lists: FileLists,
    told: Vec<(&'static str, usize)>,
    full: bool,
}

impl<'a> Reading<'a> {
    fn new(path: &'a str, found: &'a mut Found) -> Self {
        Self { path, found, lists: FileLists::new(), told: Vec::new(), full: false }
    }

    /// The header of a package.
    fn header(&mut self, blob: &[u8]) {
        if self.is_full() {
            return;
        }
        match header::Header::parse(blob) {
            Ok(header) => package::note(&header, self),
            Err(why) => self.problem("rpm-header", why),
        }
    }

    /// Whether there are more packages than can be, which is told once.
    fn is_full(&mut self) -> bool {
        self.full = self.full || super::is_full(self.found, self.path);
        self.full
    }

    /// Something about the database itself that is wrong.
    fn damage(&mut self, why: impl Into<String>) {
        self.problem("rpm-database", why);
    }

    fn problem(&mut self, code: &'static str, why: impl Into<String>) {
        let at = self.told.iter().position(|(c, _)| *c == code).unwrap_or_else(|| {
            self.told.push((code, 0));
            self.told.len() - 1
        });
        self.told[at].1 += 1;
        if self.told[at].1 <= TOLD {
            self.found.problem(code, self.path, WHAT, why);
        }
    }

    fn finish(self) {
        for (code, count) in self.told.into_iter().filter(|(_, count)| *count > TOLD) {
            self.found.problem(code, self.path, WHAT, format!("and {} more like the others", count - TOLD));
        }
        if let Some(why) = self.lists.refused() {
            self.found.problem("rpm-files", self.path, WHAT, why);
        }
    }
}

/// `length` bytes from `offset` on, all of them.
fn exactly(bytes: &Bytes, offset: u64, length: usize, what: &str) -> Result<Vec<u8>, String> {
    let end = offset.checked_add(length as u64).filter(|end| *end <= bytes.len());
    if end.is_none() {
        return Err(format!("{what} at byte {offset} lies beyond the end of the file"));
    }
    let mut out = vec![0; length];
    let mut read = 0;
    while read < length {
        match bytes.read_at(&mut out[read..], offset + read as u64) {
            Ok(0) => return Err(format!("{what} at byte {offset} is cut off")),
            Ok(n) => read += n,
            Err(error) => return Err(format!("{what} at byte {offset}: {error}")),
        }
    }
    Ok(out)
}

/// A fixed number of bytes, if they are there.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}
