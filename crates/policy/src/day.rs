//! Days, for what ends: `2026-12-31`. Policies are told which day it is; they never ask a clock.

use std::fmt;
use std::time::{Duration, SystemTime};

const SECONDS: u64 = 86_400;

/// A day of the Gregorian calendar in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

impl Day {
    /// The day of a moment. What lies before 1970 is the first day of 1970, what lies after 9999 its last.
    pub fn of(moment: SystemTime) -> Self {
        let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        let mut rest = since / SECONDS;
        let mut year = 1970_u16;
        while rest >= u64::from(length(year)) {
            rest -= u64::from(length(year));
            if year == 9999 {
                return Self { year, month: 12, day: 31 };
            }
            year += 1;
        }
        let mut month = 1_u8;
        while rest >= u64::from(days(year, month)) {
            rest -= u64::from(days(year, month));
            month += 1;
        }
        Self { year, month, day: u8::try_from(rest + 1).unwrap_or(1) }
    }

    /// Reads `2026-12-31`, and nothing else; `None` where it is no day from 1970 to 9999.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10
            || !text.chars().enumerate().all(|(n, c)| if n == 4 || n == 7 { c == '-' } else { c.is_ascii_digit() })
        {
            return None;
        }
        let mut parts = text.split('-');
        let (year, month, day) =
            (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse::<u8>().ok()?);
        ((1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=days(year, month)).contains(&day))
            .then_some(Self { year, month, day })
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn leap(year: u16) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

fn length(year: u16) -> u16 {
    if leap(year) { 366 } else { 365 }
}

fn days(year: u16, month: u8) -> u8 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds: u64, expect: &str) {
        assert_eq!(Day::of(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string(), expect);
    }

    #[test]
    fn moments_fall_on_days() {
        check(0, "1970-01-01");
        check(86_399, "1970-01-01");
        check(951_782_400, "2000-02-29");
        check(1_735_689_599, "2024-12-31");
        check(1_735_689_600, "2025-01-01");
        check(4_107_542_400, "2100-03-01");
        check(u64::from(u32::MAX) * 1000, "9999-12-31");
    }

    #[test]
    fn only_days_are_read() {
        for bad in [
            "2025-02-29",
            "2025-13-01",
            "2025-1-01",
            "2025-01-00",
            "1969-12-31",
            "2025-01-01T00",
            "",
            "２025-01-01",
            "+025-01-01",
        ] {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
        assert!(Day::parse("2024-02-29") > Day::parse("2024-02-28"));
    }

    proptest::proptest! {
        #[test]
        fn what_is_printed_is_read_again(seconds in 0_u64..200_000_000_000) {
            let day = Day::of(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
            proptest::prop_assert_eq!(Day::parse(&day.to_string()), Some(day));
            proptest::prop_assert!(Day::of(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds + SECONDS)) > day);
        }
    }
}
