//! CVSS base scores of vectors of versions 2, 3.0, 3.1 and 4.0.

use std::str::FromStr;

use cvss::Cvss;

/// The metrics of a base score; what else a vector states is about time and place. A vector without all
/// of them, or with one twice, has no score.
const BASE_2: &[&str] = &["AV", "AC", "Au", "C", "I", "A"];
const BASE_3: &[&str] = &["AV", "AC", "PR", "UI", "S", "C", "I", "A"];

/// Base score of a vector, from 0 to 10; `None` for what is no vector.
pub fn base_score(vector: &str) -> Option<f64> {
    let vector = vector.trim().trim_matches(['(', ')']);
    let (version, metrics) = match vector.split_once('/') {
        Some((version, metrics)) if version.starts_with("CVSS:") => (Some(version), metrics),
        _ => (None, vector),
    };
    let wanted = match version {
        Some("CVSS:3.0" | "CVSS:3.1") => BASE_3,
        None => BASE_2,
        // Version 4 is read whole: its score has no base apart.
        Some(_) => return Cvss::from_str(vector).ok().map(|vector| vector.score()),
    };
    let base: Vec<&str> =
        metrics.split('/').filter(|m| wanted.contains(&m.split(':').next().unwrap_or_default())).collect();
    let whole =
        base.len() == wanted.len() && wanted.iter().all(|name| base.iter().any(|m| m.split(':').next() == Some(name)));
    let text = version.into_iter().chain(base).collect::<Vec<_>>().join("/");
    whole.then(|| Cvss::from_str(&text).ok()).flatten().map(|vector| vector.score())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(vector: &str, expect: Option<f64>) {
        assert_eq!(base_score(vector), expect, "{vector}");
    }

    #[test]
    fn version_3() {
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Some(10.0));
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(9.8));
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Some(7.5));
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", Some(6.1));
        check("CVSS:3.0/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", Some(1.8));
        check("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", Some(6.4));
        check("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:N", Some(0.0));
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O", Some(9.8));
    }

    #[test]
    fn version_2() {
        check("AV:N/AC:L/Au:N/C:C/I:C/A:C", Some(10.0));
        check("AV:N/AC:L/Au:N/C:N/I:N/A:C", Some(7.8));
        check("(AV:N/AC:M/Au:N/C:P/I:P/A:P)", Some(6.8));
        check("AV:L/AC:H/Au:N/C:C/I:C/A:C", Some(6.2));
    }

    #[test]
    fn version_4() {
        check("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Some(9.3));
        check("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", Some(10.0));
        check("CVSS:4.0/AV:L/AC:L/AT:N/PR:L/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", Some(0.0));
    }

    #[test]
    fn what_has_no_score() {
        check("CVSS:4.0/AV:N", None);
        check("CVSS:5.0/AV:N", None);
        check("", None);
        check("CVSS:3.1/AV:N", None);
        check("AV:N", None);
        check("CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None);
        check("CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None);
    }
}
