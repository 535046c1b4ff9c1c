//! Real records of advisories beside real package databases: what the binary decides is what an
//! independent reading of the records says. The data is read where it is, see `support/data.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "records/alpine.rs"]
mod alpine;
#[path = "records/debian.rs"]
mod debian;
#[path = "records/rpm.rs"]
mod rpm;
mod support;
#[path = "records/whole.rs"]
mod whole;

use std::process::ExitCode;

use cleanbill_testkit::components::harness::main as run_all;
use support::data::data_test;

const ALPINE: [&str; 2] = ["vulndb/alpine-secdb-3.20-main-subset.json.zst", "pkgdb/alpine-apk-installed-dbs.tar.zst"];

fn main() -> ExitCode {
    run_all(vec![
        data_test(
            "every pair of the Debian tracker is decided as recorded",
            &["vulndb/debian-tracker-subset.json.zst"],
            debian::as_recorded,
        ),
        data_test(
            "Alpine roots have the findings of their records, or say that there are none",
            &ALPINE,
            alpine::roots,
        ),
        data_test("a fix of an Alpine package takes its findings away", &ALPINE, alpine::raised),
        data_test("an Alpine root and its SBOMs have the same findings", &ALPINE, alpine::same_findings),
        data_test(
            "rpm roots and their SBOMs have the same findings",
            &["pkgdb/cbl-mariner-2.0_rpmdb.sqlite.zst", "pkgdb/sle15-bci_Packages.db.zst"],
            rpm::same_findings,
        ),
        data_test("all advisories make one database that finds what is known", &["vulndb"], whole::known_findings),
    ])
}
