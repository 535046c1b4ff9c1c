//! The binary `cleanbill`: arguments, commands, output. The only room that prints, exits and, beside
//! the hub, reads the environment.

mod args;
mod clock;
mod commands;
mod credentials;
mod database;
mod demo;
mod feeds;
mod glass;
mod help;
mod hubclient;
mod output;
mod paths;
mod remembered;
mod scans;
mod target;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

/// How a command ended, for scripts. The numbers are a contract (`cleanbill help`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Done, gates passed: 0.
    Done,
    /// Done, a gate refused: 1, or what `--exit-code` says.
    Refused(u8),
}

fn main() -> ExitCode {
    // One crypto provider for every client in the process; a second call changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let matches = help::fit(args::Args::command()).get_matches();
    let args = args::Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    output::set_up(&args.common);
    paths::set_up(args.common.cache_dir.as_ref());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::error(&anyhow::Error::new(error).context("could not start the runtime"));
            return ExitCode::from(2);
        }
    };
    let result = runtime.block_on(commands::run(args));
    // Readers on blocking threads may still wait for a registry: they do not hold up the exit.
    runtime.shutdown_background();
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Refused(code)) => ExitCode::from(code),
        Err(error) => {
            output::error(&error);
            ExitCode::from(2)
        }
    }
}
