//! Holds our verdicts on changed bundles against those of another verifier, sigstore-go's own example
//! program (`sigstore-go-verification` of Debian's package `sigstore-go`):
//!
//! ```text
//! cargo run -p cleanbill-trust --example mutants -- --peer sigstore-go-verification [--count 10000] [--seed 1]
//! ```
//!
//! `--show N` prints one changed bundle instead.
//!
//! The cases are read as by `tests/conformance.rs`. What we accept and the other refuses is printed, and
//! then the program fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

#[path = "../tests/support/mod.rs"]
#[allow(dead_code)]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use support::cases::{ARCHIVE, Case, cases};
use support::data::folder;
use support::mutants::mutants;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (mut peer, mut count, mut seed, mut show) = (None, 10_000_usize, 1_u64, None::<usize>);
    while let Some(arg) = args.next() {
        let value = args.next().expect("each option has a value");
        match arg.as_str() {
            "--peer" => peer = Some(PathBuf::from(value)),
            "--count" => count = value.parse().expect("a number"),
            "--seed" => seed = value.parse().expect("a number"),
            "--show" => show = Some(value.parse().expect("a number")),
            other => panic!("unknown option {other}"),
        }
    }
    let archive = folder().expect("the folder of data").join(ARCHIVE);
    let cases = cases(&archive);
    if let Some(number) = show {
        let mutant = mutants(&cases, seed, number + 1).pop().expect("at least one");
        println!("{}", String::from_utf8_lossy(&mutant.bundle));
        return ExitCode::SUCCESS;
    }
    let peer = peer.expect("--peer names the other verifier");
    let work = tempfile_folder();
    let originals = cases.iter().filter(|case| theirs(&peer, &work, 0, case).is_ok() != case.good()).count();
    let mutants = mutants(&cases, seed, count);
    let (next, sums) = (AtomicUsize::new(0), [const { AtomicUsize::new(0) }; 4]);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (mutants, peer, work, next, sums) = (&mutants, &peer, &work, &next, &sums);
            scope.spawn(move || {
                while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (ours, theirs) = (mutant.verdict(), theirs(peer, work, thread, mutant));
                    sums[usize::from(ours.is_ok()) * 2 + usize::from(theirs.is_ok())].fetch_add(1, Ordering::Relaxed);
                    if let (Ok(_), Err(why)) = (&ours, &theirs) {
                        println!("accepted by us alone: {}: {why}", mutant.name);
                    }
                    if let (Err(why), Ok(())) = (&ours, &theirs) {
                        println!("refused by us alone: {}: {why}", mutant.name);
                    }
                }
            });
        }
    });
    std::fs::remove_dir_all(&work).unwrap();
    let [neither, they, we, both] = sums.map(AtomicUsize::into_inner);
    println!("cases: {}, of which the other decides {originals} otherwise than the set says", cases.len());
    println!("changed: {}", mutants.len());
    println!("accepted by both: {both}");
    println!("refused by both: {neither}");
    println!("refused by us alone: {they}");
    println!("accepted by us alone: {we}");
    if we == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tempfile_folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("cleanbill-mutants-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The other verifier's verdict.
fn theirs(peer: &Path, work: &Path, thread: usize, case: &Case) -> Result<(), String> {
    let file = |name: &str, bytes: &[u8]| {
        let path = work.join(format!("{thread}-{name}"));
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let mut command = Command::new(peer);
    let root = case.root.clone().unwrap_or_else(|| sigstore_trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT.into());
    command.arg("-trustedrootJSONpath").arg(file("root", &root));
    match &case.key {
        Some(key) => command.arg("-publicKey").arg(file("key", key.as_bytes())).arg("-requireCTlog=false"),
        None => command.arg("-expectedSAN").arg(&case.identity).arg("-expectedIssuer").arg(&case.issuer),
    };
    command.arg("-artifact").arg(file("artifact", &case.artifact)).arg(file("bundle", &case.bundle));
    let output = command.stdin(Stdio::null()).output().expect("the other verifier runs");
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned())
}
