//! `cleanbill vercmp SCHEME A B`: the order of two versions, for scripts and for people in doubt.

use std::cmp::Ordering;
use std::io::BufRead as _;

use anyhow::Context as _;
use cleanbill_version::Scheme;

use crate::args::Vercmp;
use crate::{Outcome, output};

pub(crate) fn run(args: &Vercmp) -> anyhow::Result<Outcome> {
    let scheme = Scheme::by_name(&args.scheme).with_context(|| {
        let known: Vec<_> = Scheme::ALL.iter().map(|s| s.name()).collect();
        format!("version scheme `{}` is not known\nhint: use one of {}", args.scheme, known.join(", "))
    })?;
    match (&args.a[..], &args.b) {
        ("-", None) => {
            let mut signs = String::new();
            for (number, line) in std::io::stdin().lock().lines().enumerate() {
                let line = line.context("could not read standard input")?;
                let (a, b) = line.split_once('\t').with_context(|| {
                    format!("line {} of standard input has no tab between two versions", number + 1)
                })?;
                signs.push_str(sign(scheme.compare(a, b)));
                signs.push('\n');
            }
            output::data(signs)?;
        }
        (a, Some(b)) => output::data(format!("{}\n", sign(scheme.compare(a, b))))?,
        (_, None) => anyhow::bail!("vercmp takes two versions, or `-` to read `A<tab>B` lines from standard input"),
    }
    Ok(Outcome::Done)
}

fn sign(order: Ordering) -> &'static str {
    match order {
        Ordering::Less => "<",
        Ordering::Equal => "=",
        Ordering::Greater => ">",
    }
}
