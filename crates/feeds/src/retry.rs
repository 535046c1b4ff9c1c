//! When to try again: doubling pauses without jitter, and `Retry-After` (RFC 9110 §10.2.3).

use std::time::Duration;

use cleanbill_model::Timestamp;
use futures::future::BoxFuture;
use jiff::fmt::rfc2822::DateTimeParser;

/// How time passes between tries; tests hear of the pauses instead of waiting.
pub trait Pause: Send + Sync {
    /// Comes back after so long.
    fn pause(&self, time: Duration) -> BoxFuture<'static, ()>;
}

/// Waits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sleep;

impl Pause for Sleep {
    fn pause(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// Pause before the try after the `attempt`th (from 0): 1 s, 2 s, 4 s … at most 30 s.
pub(crate) fn pause(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.min(5)).min(Duration::from_secs(30))
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
        let pauses: Vec<u64> = [0, 1, 2, 4, 5, 6, u32::MAX].map(|attempt| pause(attempt).as_secs()).to_vec();
        assert_eq!(pauses, [1, 2, 4, 16, 30, 30, 30]);
    }
}
