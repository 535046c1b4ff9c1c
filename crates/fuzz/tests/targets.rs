//! Every target on its seeds and on changes to them, the same in every run. A failure names the target and
//! shows the input. `./dev fuzz` looks further.
#![allow(clippy::unwrap_used)]

use std::panic::catch_unwind;
use std::process::ExitCode;

use cleanbill_fuzz::{Mutator, Target, targets};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let mut trials: Vec<Trial> =
        targets().into_iter().map(|target| Trial::test(target.name.clone(), move || drive(&target))).collect();
    trials.push(Trial::test("names are told apart", names_are_told_apart));
    trials.push(Trial::test("a failure shows its input", a_failure_shows_its_input));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn drive(target: &Target) -> Result<(), Failed> {
    let seeds = target.seeds();
    if seeds.is_empty() {
        return Err("it has no seed".into());
    }
    let mut mutator = Mutator::new(&target.name, target.words);
    let edges: [&[u8]; 4] = [b"", b"\0", b"\n", &[0xff; 4096]];
    let edges = edges.map(<[u8]>::to_vec);
    for seed in seeds.iter().chain(&edges) {
        attempt(target, seed)?;
    }
    for _ in 0..target.rounds {
        attempt(target, &mutator.next(&seeds))?;
    }
    Ok(())
}

fn attempt(target: &Target, input: &[u8]) -> Result<(), Failed> {
    shown(&target.name, input, |bytes| target.run(bytes)).map_err(Failed::from)
}

/// Runs it, and makes of a panic a sentence with the input.
fn shown(name: &str, input: &[u8], run: impl Fn(&[u8]) + std::panic::RefUnwindSafe) -> Result<(), String> {
    catch_unwind(|| run(input)).map_err(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default();
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("target {name}: {said}\ninput of {} bytes: {hex}", input.len())
    })
}

fn names_are_told_apart() -> Result<(), Failed> {
    let mut names: Vec<String> = targets().into_iter().map(|target| target.name).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    if names.len() == all && all > 60 { Ok(()) } else { Err(format!("{} names of {all} targets", names.len()).into()) }
}

fn a_failure_shows_its_input() -> Result<(), Failed> {
    let said = shown("x", b"\x01\xff", |bytes| assert!(bytes.is_empty(), "not empty")).unwrap_err();
    if said == "target x: not empty\ninput of 2 bytes: 01ff" { Ok(()) } else { Err(said.into()) }
}
