//! Days and times as feeds write them.

use cleanbill_model::Timestamp;

/// Midnight of a day (`2024-01-31`, `2024-1-31 10:00:00`), or a time as it stands; else why not.
pub(crate) fn day(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let date = text.split([' ', 'T']).next().unwrap_or(text);
    let no_day = || format!("`{}` is no day", crate::osv::one_line(text));
    let parts: Vec<u16> = date.splitn(3, '-').map_while(|part| part.parse().ok()).collect();
    let [year, month, day] = parts[..] else { return Err(no_day()) };
    format!("{year:04}-{month:02}-{day:02}T00:00:00Z").parse().map_err(|e| format!("{}: {e}", no_day()))
}

/// A time; `None` for the year one, with which some publishers say that there is none.
pub(crate) fn time(text: &str) -> Result<Option<Timestamp>, String> {
    if text.starts_with("0001-") {
        return Ok(None);
    }
    text.trim().parse().map(Some).map_err(|e| format!("{e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<&str>) {
        let found = day(text);
        assert_eq!(found.as_ref().ok().map(ToString::to_string).as_deref(), expect, "{text}: {found:?}");
    }

    #[test]
    fn days() {
        check("2024-01-31", Some("2024-01-31T00:00:00Z"));
        check(" 2024-01-31 10:11:12", Some("2024-01-31T00:00:00Z"));
        check("2017-11-1 19:02:00", Some("2017-11-01T00:00:00Z"));
        check("2024-01-31T10:11:12Z", Some("2024-01-31T10:11:12Z"));
        for text in ["", "soon", "2024-02-31", "2024-13-01", "2024", "99999-1-1", "2024-01--1", "\u{e9}"] {
            check(text, None);
        }
        assert_eq!(time("0001-01-01T00:00:00Z"), Ok(None));
        assert!(time("soon").is_err());
    }
}
