//! Versions that NuGet asks for.

/// The version that a condition leads to: `1.0` (NuGet takes the lowest that is allowed) and `[1.0]`; none
/// for ranges and `1.*`.
pub(super) fn wanted(condition: &str) -> Option<&str> {
    let condition = condition.trim();
    let exact = condition.strip_prefix('[').and_then(|c| c.strip_suffix(']')).map(str::trim).unwrap_or(condition);
    let good = exact.starts_with(|c: char| c.is_ascii_digit()) && !exact.contains(['*', ',', '[', ']', '(', ')', '$']);
    good.then_some(exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_lead_to_no_version() {
        for (condition, expect) in [
            ("1.0.0-beta.1", Some("1.0.0-beta.1")),
            ("[1.0]", Some("1.0")),
            ("[1.0,2.0)", None),
            ("(,1.0]", None),
            ("1.*", None),
            ("$(Version)", None),
            ("", None),
        ] {
            assert_eq!(wanted(condition), expect, "{condition}");
        }
    }
}
