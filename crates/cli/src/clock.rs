//! What time it is, and what time documents state.

use jiff::Timestamp;

/// `SOURCE_DATE_EPOCH` where it is set (reproducible-builds.org, "SOURCE_DATE_EPOCH specification").
pub(crate) fn source_date() -> Option<Timestamp> {
    let seconds = std::env::var("SOURCE_DATE_EPOCH").ok()?.parse().ok()?;
    Timestamp::from_second(seconds).ok()
}

/// The time to write into a document: `SOURCE_DATE_EPOCH`, else now.
pub(crate) fn stated_now() -> Timestamp {
    source_date().unwrap_or_else(Timestamp::now)
}
