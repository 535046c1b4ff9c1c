//! Until when a distribution's publisher gives security fixes for a release.
//!
//! Facts as the publishers announce them: Debian's regular security support (without LTS, which is
//! another team's and covers part of the packages), Ubuntu's standard support (without Pro), Alpine's
//! `main` branch, the maintenance phase of the rpm distributions. A release that is not listed is
//! not known here, which is not the same as supported.

use cleanbill_model::{Distro, DistroState};
use jiff::civil::{Date, date};

/// Releases by `ID` and the beginning of `VERSION_ID`, whole parts.
const RELEASES: &[(&str, &[(&str, Date)])] = &[
    (
        "debian",
        &[
            ("8", date(2018, 6, 17)),
            ("9", date(2020, 7, 18)),
            ("10", date(2022, 9, 10)),
            ("11", date(2024, 8, 14)),
            ("12", date(2026, 7, 11)),
            ("13", date(2028, 8, 9)),
        ],
    ),
    (
        "ubuntu",
        &[
            ("14.04", date(2019, 4, 25)),
            ("16.04", date(2021, 4, 30)),
            ("18.04", date(2023, 5, 31)),
            ("20.04", date(2025, 5, 29)),
            ("22.04", date(2027, 6, 1)),
            ("23.10", date(2024, 7, 11)),
            ("24.04", date(2029, 5, 31)),
            ("24.10", date(2025, 7, 10)),
            ("25.04", date(2026, 1, 15)),
            ("25.10", date(2026, 7, 9)),
            ("26.04", date(2031, 5, 29)),
        ],
    ),
    (
        "alpine",
        &[
            ("3.10", date(2021, 5, 1)),
            ("3.11", date(2021, 11, 1)),
            ("3.12", date(2022, 5, 1)),
            ("3.13", date(2022, 11, 1)),
            ("3.14", date(2023, 5, 1)),
            ("3.15", date(2023, 11, 1)),
            ("3.16", date(2024, 5, 23)),
            ("3.17", date(2024, 11, 22)),
            ("3.18", date(2025, 5, 9)),
            ("3.19", date(2025, 11, 1)),
            ("3.20", date(2026, 4, 1)),
            ("3.21", date(2026, 11, 1)),
            ("3.22", date(2027, 5, 1)),
            ("3.23", date(2027, 11, 1)),
        ],
    ),
    (
        "rhel",
        &[
            ("6", date(2020, 11, 30)),
            ("7", date(2024, 6, 30)),
            ("8", date(2029, 5, 31)),
            ("9", date(2032, 5, 31)),
            ("10", date(2035, 5, 31)),
        ],
    ),
    ("centos", &[("6", date(2020, 11, 30)), ("7", date(2024, 6, 30)), ("8", date(2021, 12, 31))]),
    ("almalinux", &[("8", date(2029, 3, 1)), ("9", date(2032, 5, 31)), ("10", date(2035, 5, 31))]),
    ("rocky", &[("8", date(2029, 5, 31)), ("9", date(2032, 5, 31)), ("10", date(2035, 5, 31))]),
    ("ol", &[("6", date(2021, 3, 21)), ("7", date(2024, 12, 31)), ("8", date(2029, 7, 31)), ("9", date(2032, 6, 30))]),
    (
        "amzn",
        &[
            ("1", date(2023, 12, 31)),
            ("2018.03", date(2023, 12, 31)),
            ("2", date(2026, 6, 30)),
            ("2023", date(2029, 6, 30)),
        ],
    ),
    ("mariner", &[("1.0", date(2023, 7, 31)), ("2.0", date(2025, 7, 31))]),
    (
        "opensuse-leap",
        &[
            ("15.3", date(2022, 12, 31)),
            ("15.4", date(2023, 12, 7)),
            ("15.5", date(2024, 12, 31)),
            ("15.6", date(2026, 4, 30)),
        ],
    ),
    (
        "fedora",
        &[
            ("38", date(2024, 5, 21)),
            ("39", date(2024, 11, 26)),
            ("40", date(2025, 5, 13)),
            ("41", date(2025, 12, 15)),
            ("42", date(2026, 5, 13)),
        ],
    ),
];

/// The last day of security support of a confirmed distribution, where it is known.
pub fn end_of_life(distro: &Distro) -> Option<Date> {
    if distro.state != DistroState::Confirmed {
        return None;
    }
    let (_, releases) = RELEASES.iter().find(|(id, _)| *id == distro.id)?;
    let is = |release: &str| {
        distro.version.strip_prefix(release).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    releases.iter().find(|(release, _)| is(release)).map(|(_, day)| *day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(id: &str, version: &str, expect: Option<Date>) {
        let distro =
            Distro { id: id.into(), version: version.into(), state: DistroState::Confirmed, ..Distro::default() };
        assert_eq!(end_of_life(&distro), expect, "{id} {version}");
    }

    #[test]
    fn releases_end_when_their_publishers_say() {
        check("debian", "12", Some(date(2026, 7, 11)));
        check("debian", "12.5", Some(date(2026, 7, 11)));
        check("debian", "120", None);
        check("alpine", "3.20.3", Some(date(2026, 4, 1)));
        check("alpine", "3.2", None);
        check("almalinux", "9.4", Some(date(2032, 5, 31)));
        check("amzn", "2", Some(date(2026, 6, 30)));
        check("amzn", "2023", Some(date(2029, 6, 30)));
        check("debian", "", None);
        check("plan9", "4", None);
    }

    #[test]
    fn an_unconfirmed_distribution_has_no_date() {
        let distro = Distro { id: "debian".into(), version: "12".into(), ..Distro::default() };
        assert_eq!(end_of_life(&distro), None);
    }
}
