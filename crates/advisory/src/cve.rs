//! CVE ids as numbers, so that what is kept by CVE is small and in order.

/// A CVE id as a number, ordered by year and number; `None` for what is not written as CVE ids are.
pub(crate) fn key(id: &str) -> Option<u64> {
    let (year, number) = id.strip_prefix("CVE-")?.split_once('-')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if year.len() != 4 || number.len() < 4 || !digits(year) || !digits(number) {
        return None;
    }
    // Numbers are filled up to four digits and no further, or two ids would be one.
    if number.len() > 4 && number.starts_with('0') {
        return None;
    }
    let number: u64 = number.parse().ok().filter(|n| *n < 1 << 48)?;
    Some(year.parse::<u64>().ok()? << 48 | number)
}

/// The id back from its number.
pub(crate) fn id(key: u64) -> String {
    format!("CVE-{:04}-{:04}", key >> 48, key & ((1 << 48) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_id() {
        for text in
            ["", "CVE-", "CVE-2024", "CVE-2024-1", "CVE-24-1234", "cve-2024-1234", "CVE-2024-01234", "CVE-2024-12x4"]
        {
            assert_eq!(key(text), None, "{text}");
        }
        assert!(key("CVE-2024-999999999999999999999").is_none());
        assert!(key("CVE-2023-9999") < key("CVE-2024-0001") && key("CVE-2024-9999") < key("CVE-2024-10000"));
    }

    proptest! {
        #[test]
        fn ids_come_back(year in 1999u64..9999, number in 0u64..1 << 48) {
            let text = format!("CVE-{year}-{number:04}");
            prop_assert_eq!(key(&text).map(id), Some(text));
        }
    }
}
