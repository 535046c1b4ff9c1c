//! What holds for every scheme: the order is total, and public vectors agree with it.
#![allow(clippy::unwrap_used, clippy::panic)]

use cleanbill_version::Scheme;
use proptest::prelude::*;
use std::cmp::Ordering;

/// Texts that look like versions, so that triples are close enough to tie and to differ late.
fn version() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-2]?[.:~+-]?(a|b|m|rc|cr|ga|sp|alpha|final|x|v|go|0|1|2|10|01)([.~+-]?(a|m|rc|ga|sp|beta|snapshot|x|0|1|2|00)){0,4}",
        "v?[0-3](\\.[0-3]){0,3}(-(rc|alpha|0|1)(\\.[0-2])?)?(\\+[a-c])?",
        // Epoch, release and revision of distributions.
        "([0-2]?:)?[0-2](\\.[0-2]|[~^.](rc|git)?[0-1]?){0,3}(-[0-2]?(\\.el[0-1])?){0,2}",
        // Alpine: letters, suffixes, hashes, builds, and what does not fit.
        "0?[0-2](\\.0?[0-2]){0,2}[a-b]?(_(alpha|rc|p|git|x)[0-1]?){0,2}(~[a-b])?(-r?[0-1]?){0,2}",
        // Python: epochs, pre-, post- and development releases, local versions, legacy texts.
        "([01]!)?[0-1](\\.[0-1]){0,2}([-_.]?(a|RC|pre|c)[-.]?[0-1]?)?(-[0-1]|[.-]?(post|r)[0-1]?)?(\\.dev[0-1]?)?(\\+[01a](\\.[01a])?)?",
        "[0-1](\\.0){0,2}(-|\\.)?(final|pre|dev|p|0|class)?(-|\\.)?(final|rc|[0-1])?",
        // RubyGems and Composer.
        "[0-1](\\.0){0,2}([.-]?(a|b|rc|pre|java|x86_64-linux|linux)){0,2}[.-]?[0-1]?",
        "v?[0-1](\\.[0-1#]){0,2}[-_+.]?(dev|ALPHA|beta|RC|rc|stable|pl|p|foo|#)?[.-]?[0-1]?(-dev)?",
        // Separators only, as Arch Linux counts them.
        "[0-1ab]?[._]{0,2}[0-1ab]?[._]{0,2}[0-1ab]?",
        "\\PC{0,8}",
    ]
}

/// The same version as a file has it, with space around it, which only Maven takes for a part of it.
fn spaced(scheme: Scheme, version: &str) -> String {
    if scheme == Scheme::Maven { version.to_owned() } else { format!(" {version}\n") }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn every_order_is_total(a in version(), b in version(), c in version()) {
        for &scheme in Scheme::ALL {
            let ab = scheme.compare(&a, &b);
            // Not the same text, which is equal without a look at its parts.
            prop_assert_eq!(scheme.compare(&a, &spaced(scheme, &a)), Ordering::Equal, "{:?} {}", scheme, a);
            prop_assert_eq!(scheme.compare(&b, &a), ab.reverse(), "{:?} {} {}", scheme, a, b);
            let (bc, ac) = (scheme.compare(&b, &c), scheme.compare(&a, &c));
            if ab.is_le() && bc.is_le() {
                prop_assert!(ac.is_le(), "{:?}: {} <= {} <= {}", scheme, a, b, c);
                if ab.is_lt() || bc.is_lt() {
                    prop_assert!(ac.is_lt(), "{:?}: {} {:?} {} {:?} {}", scheme, a, ab, b, bc, c);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn space_is_no_part_of_a_version(a in version()) {
        for &scheme in Scheme::ALL {
            // Go's toolchains name experiments behind a space.
            if scheme != Scheme::Go {
                prop_assert!(!scheme.is_valid(&format!("{a} {a}")), "{:?} {} twice", scheme, a);
            }
        }
    }
}

#[test]
fn every_scheme_is_found_by_one_ecosystem_and_type() {
    for (ecosystem, kind, scheme) in [
        ("Debian", "deb", Scheme::Dpkg),
        ("Rocky Linux", "rpm", Scheme::Rpm),
        ("Wolfi", "apk", Scheme::Apk),
        ("Arch Linux", "alpm", Scheme::Pacman),
        ("Maven", "maven", Scheme::Maven),
        ("Go", "golang", Scheme::Go),
        ("Hex", "hex", Scheme::Semver),
        ("npm", "npm", Scheme::Npm),
        ("PyPI", "pypi", Scheme::Pep440),
        ("RubyGems", "gem", Scheme::Gem),
        ("NuGet", "nuget", Scheme::NuGet),
        ("Packagist", "composer", Scheme::Composer),
        ("CRAN", "cran", Scheme::Cran),
        ("Hackage", "hackage", Scheme::Hackage),
        ("Pub", "pub", Scheme::Pub),
        ("Bitnami", "bitnami", Scheme::Bitnami),
    ] {
        assert_eq!(Scheme::for_ecosystem(ecosystem), Some(scheme), "{ecosystem}");
        assert_eq!(Scheme::for_purl_type(kind), Some(scheme), "{kind}");
    }
}

#[test]
fn names_lead_back_to_their_scheme() {
    for &scheme in Scheme::ALL {
        assert_eq!(Scheme::by_name(scheme.name()), Some(scheme));
    }
    assert_eq!(Scheme::by_name("npm"), Some(Scheme::Npm));
    assert_eq!(Scheme::by_name("nonsense"), None);
}

#[test]
fn ecosystems_and_purl_types_lead_to_their_scheme() {
    assert_eq!(Scheme::for_ecosystem("Debian:12"), Some(Scheme::Dpkg));
    assert_eq!(Scheme::for_ecosystem("Ubuntu:22.04:LTS"), Some(Scheme::Dpkg));
    assert_eq!(Scheme::for_ecosystem("Go"), Some(Scheme::Go));
    assert_eq!(Scheme::for_ecosystem("Red Hat:enterprise_linux:9::baseos"), Some(Scheme::Rpm));
    assert_eq!(Scheme::for_ecosystem("Alpine:v3.20"), Some(Scheme::Apk));
    assert_eq!(Scheme::for_ecosystem("Root:PyPI"), Some(Scheme::Pep440));
    assert_eq!(Scheme::for_ecosystem("Android"), None);
    assert_eq!(Scheme::for_purl_type("golang"), Some(Scheme::Go));
    assert_eq!(Scheme::for_purl_type("cargo"), Some(Scheme::Semver));
    assert_eq!(Scheme::for_purl_type("alpm"), Some(Scheme::Pacman));
    assert_eq!(Scheme::for_purl_type("generic"), None);
}

/// What the files of vectors begin with.
const PREFIXES: &[(&str, Scheme)] = &[
    ("alpine-", Scheme::Apk),
    ("cran-", Scheme::Cran),
    ("debian-", Scheme::Dpkg),
    ("hackage-", Scheme::Hackage),
    ("maven-", Scheme::Maven),
    ("nuget-", Scheme::NuGet),
    ("packagist-", Scheme::Composer),
    ("pub-", Scheme::Pub),
    ("pypi-", Scheme::Pep440),
    ("redhat-", Scheme::Rpm),
    ("rubygems-", Scheme::Gem),
    ("semver-", Scheme::Semver),
    ("semver-", Scheme::Npm),
];

/// Lines no order by rule can have, by the scheme's name: Maven's order had cycles when the file was made.
const CONTRADICTIONS: &[&str] = &[
    // 2.9.0.RC3 < 2.9.0 < 2.9.0-1 stands there as well, and RC1 < RC3.
    "maven: 2.9.0-1 < 2.9.0.RC1",
    // 1.0.0.RC7-3 < 1.0.0, and a name of its own comes after the release.
    "maven: 1.0.0-gradle-rework-beta3 < 1.0.0.RC7-3",
    // 1.1.0.Beta1 < 1.1.0, and a number behind a hyphen comes after the release.
    "maven: 1.1.0-01-glassfish < 1.1.0.Beta1",
    // With 1.2.3.# = 1.2.3 of the same file, 1.2.3 would equal 1.2.3.1.
    "composer: 1.2.3.# = 1.2.3.1",
];

/// Reads `A < B`, `A = B` and `A > B` lines from the folder of public vectors named by
/// `CLEANBILL_ORACLES` (the `semantic/testdata` files of google/osv-scalibr).
#[test]
#[ignore = "needs CLEANBILL_ORACLES, a folder with public version vectors"]
fn public_vectors_agree() {
    let folder = std::env::var_os("CLEANBILL_ORACLES").expect("CLEANBILL_ORACLES names a folder");
    let mut wrong = Vec::new();
    let mut lines = 0;
    for (prefix, scheme) in PREFIXES {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if !path.file_name().unwrap().to_string_lossy().starts_with(prefix) {
                continue;
            }
            for line in std::fs::read_to_string(&path).unwrap().lines() {
                let words: Vec<&str> = line.split(' ').collect();
                let [a, sign, b] = words[..] else { continue };
                let want = match sign {
                    "<" => Ordering::Less,
                    "=" => Ordering::Equal,
                    ">" => Ordering::Greater,
                    _ => continue,
                };
                lines += 1;
                if scheme.compare(a, b) != want || scheme.compare(b, a) != want.reverse() {
                    wrong.push(format!("{}: {line}", scheme.name()));
                }
            }
        }
    }
    assert!(lines > 0, "no vectors in {}", folder.display());
    assert!(CONTRADICTIONS.iter().all(|line| wrong.iter().any(|w| w == line)), "a line is right by now: {wrong:?}");
    wrong.retain(|line| !CONTRADICTIONS.contains(&line.as_str()));
    assert!(wrong.is_empty(), "{} of {lines} differ:\n{}", wrong.len(), wrong.join("\n"));
}
