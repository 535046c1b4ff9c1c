//! The public conformance set for sigstore bundles, and thousands of changed ones; read where the data
//! is, see `support/data.rs`. And the same with bundles of our own making, which are always there.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "conformance/meaning.rs"]
mod meaning;
mod support;

use std::process::ExitCode;

use cleanbill_testkit::components::harness::{Failed, main as run_all, plain_test};
use support::cases::{ARCHIVE, Case, cases, fixtures};
use support::data::data_test;
use support::mutants::mutants;

fn main() -> ExitCode {
    run_all(vec![
        data_test("each of the 70 cases has the verdict of the set", &[ARCHIVE], |paths| {
            let cases = cases(&paths[0]);
            assert_eq!(cases.len(), 70);
            let mut wrong = Vec::new();
            for case in &cases {
                for verdict in [case.verdict(), case.verdict_by_digest()] {
                    if verdict.is_ok() != case.good() {
                        wrong.push(format!("{}: {verdict:?}", case.name));
                    }
                }
            }
            if wrong.is_empty() { Ok(()) } else { Err(Failed::from(wrong.join("\n"))) }
        }),
        data_test("none of 2,000 changed cases verifies unless it means the same", &[ARCHIVE], |paths| {
            changed(&cases(&paths[0]), 50)
        }),
        plain_test("the bundles made by a small sigstore have their verdicts", || {
            for case in fixtures() {
                assert_eq!(case.verdict().is_ok(), case.good(), "{}: {:?}", case.name, case.verdict());
            }
            Ok(())
        }),
        plain_test("none of 2,000 changed bundles verifies unless it means the same", || changed(&fixtures(), 50)),
    ])
}

/// Changes cases 2,000 times. At least `some` must verify, or the changes are too coarse to find anything.
fn changed(cases: &[Case], some: usize) -> Result<(), Failed> {
    let known = meaning::Known::of(cases);
    let (mut accepted, mut wrong) = (0, Vec::new());
    for mutant in mutants(cases, 1, 2000) {
        if let Ok(verified) = mutant.verdict() {
            accepted += 1;
            if let Err(why) = known.means_the_same(&mutant, &verified) {
                wrong.push(format!("{}: {why}", mutant.name));
            }
        }
    }
    assert!(accepted >= some, "only {accepted} verify");
    if wrong.is_empty() { Ok(()) } else { Err(Failed::from(wrong.join("\n"))) }
}
