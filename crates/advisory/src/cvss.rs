//! CVSS base scores: version 2 ("A Complete Guide to CVSS 2.0", 3.2.1) and versions 3.0 and 3.1
//! (specification documents, section 7.1 and 8.1). Vectors of version 4 are kept without score.

/// Base score of a vector, from 0 to 10; `None` for version 4 and for what is no vector.
pub fn base_score(vector: &str) -> Option<f64> {
    let metrics = |text: &str| -> Option<Vec<(String, String)>> {
        text.split('/')
            .map(|part| part.split_once(':').map(|(k, v)| (k.to_owned(), v.to_owned())))
            .collect::<Option<Vec<_>>>()
    };
    let vector = vector.trim();
    if let Some(rest) = vector.strip_prefix("CVSS:3.1/") {
        v3(&metrics(rest)?)
    } else if let Some(rest) = vector.strip_prefix("CVSS:3.0/") {
        v3(&metrics(rest)?)
    } else if vector.starts_with("CVSS:") {
        None
    } else {
        v2(&metrics(vector.trim_matches(['(', ')']))?)
    }
}

/// The weight of a metric's value; a metric that is missing or stands twice makes no vector.
fn weight(metrics: &[(String, String)], name: &str, table: &[(&str, f64)]) -> Option<f64> {
    let mut found = metrics.iter().filter(|(k, _)| k == name);
    let value = &found.next()?.1;
    if found.next().is_some() {
        return None;
    }
    table.iter().find(|(v, _)| v == value).map(|(_, w)| *w)
}

fn v3(m: &[(String, String)]) -> Option<f64> {
    const IMPACT: &[(&str, f64)] = &[("H", 0.56), ("L", 0.22), ("N", 0.0)];
    let changed = weight(m, "S", &[("U", 0.0), ("C", 1.0)])? > 0.5;
    let vector = weight(m, "AV", &[("N", 0.85), ("A", 0.62), ("L", 0.55), ("P", 0.2)])?;
    let complexity = weight(m, "AC", &[("L", 0.77), ("H", 0.44)])?;
    let (low, high) = if changed { (0.68, 0.5) } else { (0.62, 0.27) };
    let privileges = weight(m, "PR", &[("N", 0.85), ("L", low), ("H", high)])?;
    let interaction = weight(m, "UI", &[("N", 0.85), ("R", 0.62)])?;
    let (c, i, a) = (weight(m, "C", IMPACT)?, weight(m, "I", IMPACT)?, weight(m, "A", IMPACT)?);
    let base = 1.0 - (1.0 - c) * (1.0 - i) * (1.0 - a);
    let impact = if changed { 7.52 * (base - 0.029) - 3.25 * (base - 0.02).powi(15) } else { 6.42 * base };
    if impact <= 0.0 {
        return Some(0.0);
    }
    let exploitability = 8.22 * vector * complexity * privileges * interaction;
    let sum = if changed { 1.08 * (impact + exploitability) } else { impact + exploitability };
    Some(round_up(sum.min(10.0)))
}

/// To one decimal, up. Version 3.1 says how to do that without the errors of floating point; 3.0 only
/// says "up", and is meant the same way.
fn round_up(score: f64) -> f64 {
    let scaled = (score * 100_000.0).round() as i64;
    if scaled % 10_000 == 0 { scaled as f64 / 100_000.0 } else { ((scaled / 10_000) + 1) as f64 / 10.0 }
}

fn v2(m: &[(String, String)]) -> Option<f64> {
    const IMPACT: &[(&str, f64)] = &[("N", 0.0), ("P", 0.275), ("C", 0.660)];
    let vector = weight(m, "AV", &[("L", 0.395), ("A", 0.646), ("N", 1.0)])?;
    let complexity = weight(m, "AC", &[("H", 0.35), ("M", 0.61), ("L", 0.71)])?;
    let authentication = weight(m, "Au", &[("M", 0.45), ("S", 0.56), ("N", 0.704)])?;
    let (c, i, a) = (weight(m, "C", IMPACT)?, weight(m, "I", IMPACT)?, weight(m, "A", IMPACT)?);
    let impact = 10.41 * (1.0 - (1.0 - c) * (1.0 - i) * (1.0 - a));
    let exploitability = 20.0 * vector * complexity * authentication;
    let factor = if impact == 0.0 { 0.0 } else { 1.176 };
    let score = (0.6 * impact + 0.4 * exploitability - 1.5) * factor;
    Some((score * 10.0).round().max(0.0) / 10.0)
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
    fn what_has_no_score() {
        check("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None);
        check("", None);
        check("CVSS:3.1/AV:N", None);
        check("CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None);
        check("CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None);
    }
}
