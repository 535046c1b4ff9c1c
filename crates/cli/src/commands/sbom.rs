//! `cleanbill sbom TARGET`: what is aboard, in the format asked for.

use anyhow::Context as _;
use cleanbill_model::Problem;

use crate::args::{Common, Sbom, SbomCommand};
use crate::output::Sink;
use crate::{Outcome, clock, output, target};

pub(crate) async fn run(args: &Sbom, common: &Common) -> anyhow::Result<Outcome> {
    let (target, output, platform, is_strict) = match &args.command {
        Some(SbomCommand::Convert { file, output, strict }) => {
            let file = if file == "-" { file.clone() } else { format!("sbom:{file}") };
            (file, output, None, *strict)
        }
        None => {
            let of = &args.of;
            let target = of.target.clone().context("an image, archive, folder or SBOM is needed")?;
            (target, &of.output, of.platform.as_deref(), of.strict)
        }
    };
    let sinks = Sink::all(output, &formats())?;
    let attest = args.of.attest.as_deref().filter(|_| args.command.is_none());
    if attest.is_some() {
        super::attest::image_of(&target)?;
    }
    let sbom = target::inventory(&target, platform, common).await?;
    for sink in sinks {
        // No other time is stated, so that an SBOM stays the same from run to run.
        let bytes = match cleanbill_sbom::ALL.iter().find(|f| f.id == sink.format) {
            Some(format) => (format.write)(&sbom, clock::source_date()),
            None => cleanbill_report::sbom_table::write(&sbom, output::width()).into_bytes(),
        };
        sink.write(&bytes)?;
    }
    if let Some(key) = attest {
        let document = cleanbill_sbom::cyclonedx::write(&sbom, clock::source_date());
        super::attest::found(&target, &sbom, "cyclonedx", &document, key, common).await?;
    }
    tell_problems(&sbom.problems);
    strict(is_strict, &sbom.problems)
}

/// The table, and every format of documents.
fn formats() -> Vec<&'static str> {
    std::iter::once("table").chain(cleanbill_sbom::ALL.iter().map(|f| f.id)).collect()
}

/// Problems are listed on stderr; they never turn into silence.
pub(crate) fn tell_problems(problems: &[Problem]) {
    for p in problems {
        let layer = p.layer.as_ref().map(|l| format!(" (layer {})", l.short())).unwrap_or_default();
        let place = format!("{}{layer}", p.path);
        let place = if place.is_empty() { String::new() } else { format!(" {}:", place.trim_start()) };
        output::say(format!("problem[{}]:{place} could not {}: {}", p.code, p.what, p.why));
    }
}

/// With `--strict` something unread is a failure.
pub(crate) fn strict(strict: bool, problems: &[Problem]) -> anyhow::Result<Outcome> {
    if strict && !problems.is_empty() {
        anyhow::bail!("{} things could not be read (they are listed above)", problems.len());
    }
    Ok(Outcome::Done)
}
