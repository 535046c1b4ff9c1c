//! Tests that need real components: a missing one is counted as ignored and named, never passed.
//! With `CLEANBILL_REQUIRE_REAL=1` (set by `.ci/run`) a missing one fails the test.
//!
//! A file of such tests is declared with `harness = false` in its `Cargo.toml` and ends with
//!
//! ```no_run
//! use cleanbill_testkit::components::{Component, harness};
//!
//! fn main() -> std::process::ExitCode {
//!     harness::main(vec![harness::real_test("a registry answers", &[Component::Olareg], || Ok(()))])
//! }
//! ```

use super::{Component, Missing, find};
use std::env;
use std::process::ExitCode;

pub use libtest_mimic::{Failed, Trial};

/// What becomes of a test whose components were looked for.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Run,
    Ignore(String),
    Fail(String),
}

fn fate(missing: &[Missing], required: bool) -> Fate {
    if missing.is_empty() {
        return Fate::Run;
    }
    if required {
        let why: Vec<String> = missing.iter().map(ToString::to_string).collect();
        return Fate::Fail(format!("{}; CLEANBILL_REQUIRE_REAL is set", why.join("; ")));
    }
    let names: Vec<&str> = missing.iter().map(|missing| missing.component.name()).collect();
    Fate::Ignore(format!("needs {}", names.join(", ")))
}

/// A test that runs when all of `needs` are on this machine. A test fails by returning an error or by
/// panicking, so `assert!` may be used in it.
pub fn real_test(
    name: impl Into<String>,
    needs: &[Component],
    test: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let missing: Vec<Missing> = needs.iter().filter_map(|need| find(*need).err()).collect();
    let required = env::var("CLEANBILL_REQUIRE_REAL").is_ok_and(|value| !value.is_empty() && value != "0");
    trial(name, fate(&missing, required), test)
}

fn trial(name: impl Into<String>, fate: Fate, test: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    match fate {
        Fate::Run => Trial::test(name, test),
        // The kind is printed beside the name, so that the output says why it was ignored.
        Fate::Ignore(why) => Trial::test(name, test).with_kind(why).with_ignored_flag(true),
        Fate::Fail(why) => Trial::test(name, move || Err(why.into())),
    }
}

/// A test in the same file that needs no real component.
pub fn plain_test(name: impl Into<String>, test: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    Trial::test(name, test)
}

/// Runs the tests as the arguments of the command line say, and prints what `cargo test` prints.
pub fn main(trials: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials).exit_code()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(component: Component) -> Missing {
        Missing { component, why: "not there".into() }
    }

    #[test]
    fn with_all_components_a_test_runs() {
        assert_eq!(fate(&[], true), Fate::Run);
        assert_eq!(fate(&[], false), Fate::Run);
    }

    #[test]
    fn a_missing_component_is_ignored_by_name() {
        let fate = fate(&[missing(Component::Kube), missing(Component::Cosign)], false);
        assert_eq!(fate, Fate::Ignore("needs kube, cosign".into()));
        let trial = trial("a test", fate, || Ok(()));
        assert!(trial.has_ignored_flag());
        assert_eq!(trial.kind(), "needs kube, cosign");
    }

    #[test]
    fn a_missing_component_fails_where_it_is_required() {
        let fate = fate(&[missing(Component::Kube)], true);
        assert!(matches!(&fate, Fate::Fail(why) if why.starts_with("needs kube: not there")), "{fate:?}");
        assert!(!trial("a test", fate, || Ok(())).has_ignored_flag());
    }
}
