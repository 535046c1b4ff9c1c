//! Targets on the command line, for `./dev fuzz`:
//!
//! * `cleanbill-fuzz list` names them;
//! * `cleanbill-fuzz seeds TARGET FOLDER` writes a target's seeds as files;
//! * `cleanbill-fuzz run TARGET SECONDS` changes seeds without knowing what code they reach, which needs no
//!   nightly compiler, and says which input took longest;
//! * `cleanbill-fuzz read TARGET FILE…` reads inputs, such as one that a fuzzer found.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use cleanbill_fuzz::{Mutator, Target, targets};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["list"] => {
            for target in targets() {
                println!("{}", target.name);
            }
            Ok(())
        }
        ["seeds", name, folder] => named(name).and_then(|target| seeds(&target, Path::new(folder))),
        ["run", name, seconds] => match seconds.parse() {
            Ok(seconds) => named(name).and_then(|target| run(&target, Duration::from_secs(seconds))),
            Err(_) => Err(format!("{seconds} is not a number of seconds")),
        },
        ["read", name, files @ ..] => named(name).and_then(|target| read(&target, files)),
        _ => {
            Err("usage: cleanbill-fuzz list | seeds TARGET FOLDER | run TARGET SECONDS | read TARGET FILE…".to_owned())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn named(name: &str) -> Result<Target, String> {
    targets().into_iter().find(|target| target.name == name).ok_or_else(|| format!("there is no target {name}"))
}

fn seeds(target: &Target, folder: &Path) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
    std::fs::create_dir_all(folder).map_err(failed)?;
    for (number, bytes) in target.seeds().iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number}")), bytes).map_err(failed)?;
    }
    Ok(())
}

fn run(target: &Target, time: Duration) -> Result<(), String> {
    let seeds = target.seeds();
    let mut mutator = Mutator::new(&target.name, target.words);
    let (begin, mut rounds) = (Instant::now(), 0u64);
    let (mut slowest, mut input) = (Duration::ZERO, Vec::new());
    while begin.elapsed() < time {
        let bytes = mutator.next(&seeds);
        let start = Instant::now();
        if std::panic::catch_unwind(|| target.run(&bytes)).is_err() {
            let path = std::env::temp_dir().join(format!("cleanbill-fuzz-{}", target.name));
            std::fs::write(&path, &bytes).map_err(|e| format!("{}: {e}", path.display()))?;
            return Err(format!("{} fails after {rounds} inputs; this one is in {}", target.name, path.display()));
        }
        if start.elapsed() > slowest {
            (slowest, input) = (start.elapsed(), bytes);
        }
        rounds += 1;
    }
    println!("{}: {rounds} inputs, the slowest of {} bytes took {slowest:?}", target.name, input.len());
    if slowest > Duration::from_secs(1) {
        let path = std::env::temp_dir().join(format!("cleanbill-fuzz-{}-slow", target.name));
        std::fs::write(&path, &input).map_err(|e| format!("{}: {e}", path.display()))?;
        println!("{}: it is in {}", target.name, path.display());
    }
    Ok(())
}

fn read(target: &Target, files: &[&str]) -> Result<(), String> {
    for file in files {
        let bytes = std::fs::read(file).map_err(|e| format!("{file}: {e}"))?;
        let start = Instant::now();
        target.run(&bytes);
        println!("{file}: {} bytes in {:?}", bytes.len(), start.elapsed());
    }
    Ok(())
}
