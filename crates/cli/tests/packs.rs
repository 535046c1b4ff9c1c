//! Other people's policies and requests: the chainsaw tests of Kyverno's image policies, the
//! ClusterImagePolicies of policy-controller, and admission requests of kubewarden. The data is read
//! where it is, see `support/data.rs`. Images of the same names are made and signed with test keys on
//! a registry of the test; names and keys are exchanged by a table, everything else stays as it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "packs/chainsaw.rs"]
mod chainsaw;
#[path = "packs/others.rs"]
mod others;
#[path = "packs/stage.rs"]
mod stage;
mod support;

use std::process::ExitCode;

use cleanbill_testkit::components::harness::main as run_all;
use support::data::data_test;

const CIP: [&str; 1] = ["policy/cluster-image-policy.tar.zst"];

fn main() -> ExitCode {
    run_all(vec![
        data_test(
            "every chainsaw test has the outcome it states, or its policy is refused by name",
            &["policy/kyverno-verify-images.tar.zst"],
            chainsaw::all,
        ),
        data_test(
            "requests of every kind are read, their images named and judged",
            &["admission/admission-reviews.tar.zst"],
            others::requests,
        ),
        data_test("ClusterImagePolicies are refused by name", &CIP, others::cluster_image_policies),
        data_test("globs of ClusterImagePolicies are refused by name", &CIP, others::globs),
    ])
}
