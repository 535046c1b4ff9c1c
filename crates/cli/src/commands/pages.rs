//! `cleanbill completions SHELL` and `cleanbill man`: made from the command line's own definition.

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::args::Args;
use crate::{Outcome, output};

pub(crate) fn completions(shell: clap_complete::Shell) -> anyhow::Result<Outcome> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "cleanbill", &mut text);
    output::data(text)?;
    Ok(Outcome::Done)
}

/// One page with every command on it, for `cleanbill man | man -l -`.
pub(crate) fn manual() -> anyhow::Result<Outcome> {
    let mut text = Vec::new();
    let mut command = Args::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut text).context("could not write the manual page")?;
    for sub in command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help") {
        clap_mangen::Man::new(sub.clone()).render(&mut text).context("could not write the manual page")?;
    }
    output::data(text)?;
    Ok(Outcome::Done)
}
