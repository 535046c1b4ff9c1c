//! One file a command.

mod admission;
mod admit;
mod alerts;
mod attest;
mod conformance;
mod copy;
mod db;
mod keys;
mod pages;
mod policy;
mod sbom;
mod scan;
mod sign;
mod tree;
mod up;
mod vercmp;
mod verify;
mod verify_attestation;
mod where_;

use crate::Outcome;
use crate::args::{Args, Command};

/// Carries out a command line.
pub(crate) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let common = &args.common;
    match args.command {
        Command::Scan(a) => scan::run(&a, common).await,
        Command::Sbom(a) => sbom::run(&a, common).await,
        Command::Db(a) => db::run(&a, common).await,
        Command::Vercmp(a) => vercmp::run(&a),
        Command::Sign(a) => sign::run(&a, common).await,
        Command::Verify(a) => verify::run(&a, common).await,
        Command::GenerateKeyPair(a) => keys::generate(&a),
        Command::PublicKey(a) => keys::public(&a).await,
        Command::ImportKeyPair(a) => keys::import(&a),
        Command::Attest(a) => attest::run(&a, common).await,
        Command::VerifyAttestation(a) => verify_attestation::run(&a, common).await,
        Command::Tree(a) => tree::run(&a, common).await,
        Command::Copy(a) => copy::run(&a, common).await,
        Command::Conformance(a) => conformance::run(&a).await,
        Command::Policy(a) => policy::run(&a, common).await,
        Command::Admit(a) => admit::run(&a, common).await,
        Command::Admission(a) => admission::run(&a),
        Command::Up(a) => up::run(&a, common).await,
        Command::Where(a) => where_::run(&a).await,
        Command::Alerts(a) => alerts::run(&a).await,
        Command::Completions { shell } => pages::completions(shell),
        Command::Man => pages::manual(),
    }
}
