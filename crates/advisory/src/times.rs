//! Days and times as feeds write them.

use cleanbill_model::Timestamp;

/// Midnight of a day (`2024-01-31`), or a time as it stands; else why not.
pub(crate) fn day(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let date = text.get(..10).unwrap_or(text);
    format!("{date}T00:00:00Z").parse().map_err(|e| format!("`{}` is no day: {e}", crate::osv::one_line(text)))
}

/// A time; `None` for the year one, with which some publishers say that there is none.
pub(crate) fn time(text: &str) -> Result<Option<Timestamp>, String> {
    if text.starts_with("0001-") {
        return Ok(None);
    }
    text.trim().parse().map(Some).map_err(|e| format!("{e}"))
}
