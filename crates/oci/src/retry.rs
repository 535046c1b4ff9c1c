//! When to try again: doubling pauses without jitter, and `Retry-After` (RFC 9110 §10.2.3).

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// Pause before the try after the `attempt`th (from 0): 0.2 s, 0.4 s, 0.8 s … at most 5 s.
pub(crate) fn pause(attempt: u32) -> Duration {
    Duration::from_millis(200u64.saturating_mul(1 << attempt.min(10))).min(Duration::from_secs(5))
}

/// How long `Retry-After` asks to wait; `None` where it says nothing that we understand.
pub(crate) fn after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(header.parse().unwrap_or(u64::MAX)));
    }
    let date = DateTimeParser::new().parse_timestamp(header).ok()?;
    let seconds = date.as_second().saturating_sub(now.as_second());
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expect: Option<u64>) {
        let now = Timestamp::from_second(784_111_777).unwrap(); // 06 Nov 1994 08:49:37
        assert_eq!(after(header, now), expect.map(Duration::from_secs), "{header}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        check("0", Some(0));
        check(" 120 ", Some(120));
        check("Sun, 06 Nov 1994 08:50:07 GMT", Some(30));
        check("Sun, 06 Nov 1994 08:49:00 GMT", Some(0));
        check("99999999999999999999999", Some(u64::MAX));
        check("-1", None);
        check("soon", None);
        check("", None);
    }

    #[test]
    fn pauses_double_up_to_a_bound() {
        assert_eq!(pause(0), Duration::from_millis(200));
        assert_eq!(pause(2), Duration::from_millis(800));
        assert_eq!(pause(u32::MAX), Duration::from_secs(5));
    }
}
