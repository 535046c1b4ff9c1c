//! Constraints of each ecosystem as intervals, and the laws of their sets.
#![allow(clippy::unwrap_used, clippy::panic)]

use cleanbill_version::{Bound, Constraint, ConstraintError, Interval, Scheme};
use proptest::prelude::*;

fn check(scheme: Scheme, text: &str, expect: &str) {
    match Constraint::parse(scheme, text) {
        Ok(set) => assert_eq!(set.to_string(), expect, "{text}"),
        Err(error) => panic!("{text}: {error}"),
    }
}

fn refused(scheme: Scheme, text: &str) {
    assert!(Constraint::parse(scheme, text).is_err(), "{text}");
}

#[test]
fn npm_ranges() {
    let check = |text, expect| check(Scheme::Npm, text, expect);
    check("8.x || 9.x", ">= 8.0.0, < 9.0.0-0 || >= 9.0.0, < 10.0.0-0");
    check("^6.14.3 || >= 8.11", ">= 6.14.3, < 7.0.0-0 || >= 8.11.0");
    check("^1.2 || >=3", ">= 1.2.0, < 2.0.0-0 || >= 3.0.0");
    check("1.2.3", "= 1.2.3");
    check("=v1.2.3", "= 1.2.3");
    check("^0.2.3", ">= 0.2.3, < 0.3.0-0");
    check("^0.0.3", ">= 0.0.3, < 0.0.4-0");
    check("^0.0", ">= 0.0.0, < 0.1.0-0");
    check("^0", ">= 0.0.0, < 1.0.0-0");
    check("^1.2.3-beta.2", ">= 1.2.3-beta.2, < 2.0.0-0");
    check("~1.2.3", ">= 1.2.3, < 1.3.0-0");
    check("~> 1", ">= 1.0.0, < 2.0.0-0");
    check("1.2.3 - 2.3", ">= 1.2.3, < 2.4.0-0");
    check("1.2 - 2.3.4", ">= 1.2.0, <= 2.3.4");
    check(">1.2", ">= 1.3.0-0");
    check("<=1.2", "< 1.3.0-0");
    check("<1", "< 1.0.0-0");
    check("<1.0.0", "< 1.0.0");
    check(">=1.0.0 <2.0.0 || 3.1.x", ">= 1.0.0, < 2.0.0 || >= 3.1.0, < 3.2.0-0");
    check("*", "*");
    check("", "*");
    check("<*", "none");
    check("4.0.0 || 4.0.0", "= 4.0.0");
    for bad in ["latest", "^", "1.2.3.4", ">=1 ~=2", "1.x.3", "1.2-", "git+ssh://x", "1.2.3 -", "- 2"] {
        refused(Scheme::Npm, bad);
    }
}

#[test]
fn cargo_requirements() {
    let check = |text, expect| check(Scheme::Semver, text, expect);
    check("1.2.3", ">= 1.2.3, < 2.0.0-0");
    check("^1.2.3", ">= 1.2.3, < 2.0.0-0");
    check(">= 2", ">= 2.0.0");
    check("< 1", "< 1.0.0-0");
    check("= 1.2", ">= 1.2.0, < 1.3.0-0");
    check(">= 0.5.1, < 0.6.0", ">= 0.5.1, < 0.6.0");
    check("1.*", ">= 1.0.0, < 2.0.0-0");
    check("~0.3", ">= 0.3.0, < 0.4.0-0");
    check("~> 1.2 and != 1.5.0", ">= 1.2.0, < 1.5.0 || > 1.5.0, < 2.0.0-0");
    check("~> 1.2.3 or >= 3.0.0", ">= 1.2.3, < 1.3.0-0 || >= 3.0.0");
    for bad in ["", ">= ", "a.b", ">= 1 ||", "1.2.x.4"] {
        refused(Scheme::Semver, bad);
    }
}

#[test]
fn gem_requirements() {
    let check = |text, expect| check(Scheme::Gem, text, expect);
    check("~> 2.3.14", ">= 2.3.14, < 2.4.a");
    check("~> 1.2, >= 1.2.3", ">= 1.2.3, < 2.a");
    check("~> 1", ">= 1, < 2.a");
    check("~> 1.2.3rc1", ">= 1.2.3rc1, < 1.3.a");
    check("~> 5.0.0.beta1", ">= 5.0.0.beta1, < 5.1.a");
    check("< 1.0.0", "< 1.0.0");
    check("!= 1.5", "< 1.5 || > 1.5");
    check("1.0", "= 1.0");
    let patched = Constraint::any_of(Scheme::Gem, &["~> 2.3.14", ">= 3.0.1"]).unwrap();
    assert_eq!(patched.complement().to_string(), "< 2.3.14 || >= 2.4.a, < 3.0.1");
    assert!(patched.contains("2.3.15.rc1") && !patched.contains("2.4.0.rc1") && !patched.contains("2.4.0"));
    for bad in ["^1.2", "~> x", ">=", "~> 1..2"] {
        refused(Scheme::Gem, bad);
    }
}

#[test]
fn composer_constraints() {
    let check = |text, expect| check(Scheme::Composer, text, expect);
    check(">=1.0,<1.2", ">= 1.0, < 1.2");
    check("^1.2", ">= 1.2-dev, < 2-dev");
    check("^0.3.1", ">= 0.3.1-dev, < 0.4-dev");
    check("~1.2", ">= 1.2-dev, < 2-dev");
    check("~1.2.3", ">= 1.2.3-dev, < 1.3-dev");
    check("1.2.*", ">= 1.2-dev, < 1.3-dev");
    check("1.0 - 2.0", ">= 1.0, < 2.1-dev");
    check("1.0.0 - 2.1.0", ">= 1.0.0, <= 2.1.0");
    check(">=1.0 <1.1 | >=1.2", ">= 1.0, < 1.1 || >= 1.2");
    check("1.0@beta", "= 1.0");
    check("^1.0.0-RC1", ">= 1.0.0-RC1, < 2-dev");
    check("dev-main", "= dev-main");
    check("*", "*");
    let branch = Constraint::all_of(Scheme::Composer, &[">=1.0", "<1.2"]).unwrap();
    assert_eq!(branch.to_string(), ">= 1.0, < 1.2");
    assert!(branch.contains("v1.1.9") && !branch.contains("1.2.0"));
    let caret = Constraint::parse(Scheme::Composer, "^1.2").unwrap();
    assert!(caret.contains("1.2.0-beta1") && caret.contains("v1.99.0") && !caret.contains("2.0.0-alpha1"));
    for bad in [">dev-main", "foo", "^*", "1.2.3.4.5", ">1.*"] {
        refused(Scheme::Composer, bad);
    }
}

#[test]
fn python_specifiers() {
    let check = |text, expect| check(Scheme::Pep440, text, expect);
    check("~=1.4.2", ">= 1.4.2, < 1.5.dev0");
    check("~=1.4.5a4", ">= 1.4.5a4, < 1.5.dev0");
    check("==1.4.*", ">= 1.4.dev0, < 1.5.dev0");
    check("==1!1.4.*", ">= 1!1.4.dev0, < 1!1.5.dev0");
    check(">=1.0,<2", ">= 1.0, < 2.dev0");
    check("<2rc1", "< 2rc1");
    check("==1.2+local", "= 1.2+local");
    check("<=1.2.dev3", "< 1.2.dev4");
    check("<=1.2.post1", "< 1.2.post2.dev0");
    check("===1.2", "= 1.2");
    let exact = Constraint::parse(Scheme::Pep440, "== 1.2").unwrap();
    assert!(exact.contains("1.2+ubuntu1") && exact.contains("1.2.0") && !exact.contains("1.2.post1"));
    let above = Constraint::parse(Scheme::Pep440, ">1.2").unwrap();
    assert!(!above.contains("1.2+ubuntu1") && above.contains("1.3.dev1"));
    for bad in ["~=1", "==1.*.2", ">=1.*", "^1", "<foo"] {
        refused(Scheme::Pep440, bad);
    }
}

#[test]
fn brackets_of_maven_and_nuget() {
    check(Scheme::Maven, "[1,2)", ">= 1, < 2");
    check(Scheme::Maven, "(,1.0],[1.2,)", "<= 1.0 || >= 1.2");
    check(Scheme::Maven, "[1.0]", "= 1.0");
    check(Scheme::Maven, "(,)", "*");
    check(Scheme::Maven, "[2,3),[1,2.5)", ">= 1, < 3");
    check(Scheme::Maven, ">= 1.0, < 2.0", ">= 1.0, < 2.0");
    check(Scheme::Maven, "1.0", "= 1.0");
    check(Scheme::NuGet, "1.0", ">= 1.0");
    check(Scheme::NuGet, "(1.0, 2.0]", "> 1.0, <= 2.0");
    for bad in ["[1,2", "[1,2,3]", "(1.0)", "[1,2),", "[1,2) 3", "[a b,2)", "[[1,2)", "[,]]"] {
        refused(Scheme::Maven, bad);
    }
}

#[test]
fn comparisons_of_the_rest() {
    check(Scheme::Dpkg, ">= 1.0~rc1, << 1:2.0", ">= 1.0~rc1, < 1:2.0");
    check(Scheme::Rpm, "< 0:1.2^git-3", "< 0:1.2^git-3");
    check(Scheme::Go, ">= v1.2.3, < v2.0.0 || > 3.0.0", ">= v1.2.3, < v2.0.0 || > 3.0.0");
    check(Scheme::Hackage, "^>= 1.2.3", ">= 1.2.3, < 1.3");
    check(Scheme::Hackage, "^>= 1", ">= 1, < 1.1");
    check(Scheme::Hackage, "== 1.2.* || >= 2 && < 3", ">= 1.2, < 1.3 || >= 2, < 3");
    check(Scheme::Pub, "^1.2.3", ">= 1.2.3, < 2.0.0-0");
    check(Scheme::Pub, "any", "*");
    check(Scheme::Cran, "> 1.0-1", "> 1.0-1");
    refused(Scheme::Rpm, "~ 1.0");
    refused(Scheme::Go, "^1.0");
    refused(Scheme::Apk, ">> 1.0");
}

#[test]
fn errors_say_what_and_where() {
    let error = |text: &str| Constraint::parse(Scheme::Gem, text).unwrap_err();
    assert_eq!(error(" "), ConstraintError::Empty);
    assert_eq!(error("^1.2").to_string(), "`^` is no operator of gem constraints in `^1.2`");
    assert_eq!(error(">= 1, < x").to_string(), "`x` is not a version a gem constraint can have in `>= 1, < x`");
    assert_eq!(error(&">= 1,".repeat(5000)), ConstraintError::TooLong);
    assert_eq!(error(&">= 1,".repeat(2000)), ConstraintError::TooLong);
    assert_eq!(error("1 || "), ConstraintError::Empty);
}

/// Dotted versions of few numbers, so that bounds meet.
fn version() -> impl Strategy<Value = String> {
    "[0-3](\\.[0-2]){0,2}"
}

fn bound() -> impl Strategy<Value = Option<Bound>> {
    prop::option::weighted(
        0.8,
        (version(), any::<bool>()).prop_map(|(version, inclusive)| Bound { version, inclusive }),
    )
}

fn set() -> impl Strategy<Value = Constraint> {
    let interval = (bound(), bound()).prop_map(|(lower, upper)| Interval { lower, upper });
    prop::collection::vec(interval, 0..5).prop_map(|i| Constraint::of_intervals(Scheme::Gem, i))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn sets_do_what_their_names_say(a in set(), b in set(), v in version()) {
        prop_assert_eq!(a.complement().contains(&v), !a.contains(&v));
        prop_assert_eq!(a.union(&b).contains(&v), a.contains(&v) || b.contains(&v));
        prop_assert_eq!(a.intersection(&b).contains(&v), a.contains(&v) && b.contains(&v));
        prop_assert_eq!(a.complement().complement(), a.clone());
        prop_assert!(a.intersection(&a.complement()).is_empty());
        prop_assert_eq!(a.union(&a.complement()), Constraint::all(Scheme::Gem));
        prop_assert_eq!(a.contains(&v), a.intervals().iter().any(|i| i.contains(Scheme::Gem, &v)));
    }

    #[test]
    fn intervals_are_sorted_and_apart(a in set(), b in set()) {
        for set in [a.union(&b), a.intersection(&b), a.complement()] {
            for pair in set.intervals().windows(2) {
                let (Some(end), Some(begin)) = (&pair[0].upper, &pair[1].lower) else {
                    return Err(TestCaseError::fail(format!("{set} has no bound inside")));
                };
                let order = Scheme::Gem.compare(&end.version, &begin.version);
                prop_assert!(order.is_lt() || (order.is_eq() && !end.inclusive && !begin.inclusive), "{}", set);
            }
        }
    }

    #[test]
    fn what_is_printed_is_read_again(a in set()) {
        // Every version and no version have no comparison to be written with.
        if !a.is_empty() && !a.complement().is_empty() {
            prop_assert_eq!(Constraint::parse(Scheme::Gem, &a.to_string()).unwrap(), a);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[(]?[ ,|^~<>=!vx*.0-9a@\\-\\])&é]{0,20}", version in "\\PC{0,6}") {
        for &scheme in Scheme::ALL {
            if let Ok(set) = Constraint::parse(scheme, &text) {
                prop_assert_eq!(set.complement().contains(&version), !set.contains(&version));
            }
        }
    }
}
