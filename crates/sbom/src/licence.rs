//! Licence texts as SPDX knows them: ids of its list, expressions (SPDX specification, annex D), or neither.

use ::spdx::{Expression, ParseMode};
use cleanbill_model::Digest;

/// Ids that the library knows and version 3.28 of the list does not have, which the schemas of CycloneDX
/// and our SPDX documents go by: newer ones, and names that the library has of its own.
const NOT_LISTED: [&str; 21] = [
    "BSD-2-Clause-pos-unchanged",
    "BSD-3-Clause-OpenWebUI",
    "BSD-Source-Code-no-disclaimer",
    "BSD-Source-alt-GPL",
    "BSD-ask-to-endorse",
    "Brian-Gladman-3-Clause-no-conversion",
    "Bugroff",
    "CC-BY-NC-3.0-IGO",
    "FDK-MPEG-H",
    "GFDL-1.1-invariants",
    "GFDL-1.1-no-invariants",
    "GFDL-1.2-invariants",
    "GFDL-1.2-no-invariants",
    "GFDL-1.3-invariants",
    "GFDL-1.3-no-invariants",
    "Hippocratic-3.0-core",
    "Informatica",
    "MVT-1.1",
    "NOASSERTION",
    "NONE",
    "atc-game",
];

/// Longer texts are licences themselves, not names of licences.
const MAX_EXPRESSION: usize = 1024;

/// Whether a text is an id of the SPDX list, written as the list writes it.
pub(crate) fn is_id(text: &str) -> bool {
    !NOT_LISTED.contains(&text) && ::spdx::license_id(text).is_some_and(|id| id.name == text)
}

/// Whether a text is an expression of more than one id. References to licences outside the list do not
/// count: they would have to be defined in the document.
pub(crate) fn is_expression(text: &str) -> bool {
    text.len() <= MAX_EXPRESSION
        && text.contains(' ')
        && !text.contains("Ref-")
        && !text.split([' ', '(', ')']).any(|word| NOT_LISTED.contains(&word))
        && text.bytes().filter(|b| *b == b'(').count() <= 32
        && Expression::parse_mode(text, ParseMode::STRICT).is_ok()
}

/// What an SPDX document states for a package, and the references it must define for that.
pub(crate) struct Declared {
    /// The expression; `NOASSERTION` if nothing is known.
    pub(crate) expression: String,
    /// Id and text of what is not in the list.
    pub(crate) references: Vec<(String, String)>,
}

/// The licences of one package as one expression: all of them hold.
pub(crate) fn declared(licenses: &[String]) -> Declared {
    let mut references = Vec::new();
    let mut parts: Vec<String> = Vec::new();
    for text in licenses.iter().filter(|t| !t.trim().is_empty()) {
        let part = if is_id(text) {
            text.clone()
        } else if is_expression(text) {
            if licenses.len() > 1 { format!("({text})") } else { text.clone() }
        } else {
            let id = reference(text);
            references.push((id.clone(), text.clone()));
            id
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    let expression = if parts.is_empty() { "NOASSERTION".to_owned() } else { parts.join(" AND ") };
    Declared { expression, references }
}

/// A reference of our own for a licence outside the list: readable, and unique by the digest of its text.
fn reference(text: &str) -> String {
    let word: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .take(24)
        .collect::<String>()
        .trim_matches('-')
        .to_owned();
    let digest = Digest::sha256(text);
    let hex = digest.hex().get(..8).unwrap_or_default();
    if word.is_empty() { format!("LicenseRef-{hex}") } else { format!("LicenseRef-{word}-{hex}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_list_exactly() {
        for id in ["MIT", "GPL-2.0-only", "Apache-2.0", "BSD-3-Clause", "PSF-2.0", "OpenSSL", "GPL-2.0"] {
            assert!(is_id(id), "{id}");
        }
        for text in [
            "mit",
            "Apache 2",
            "GPL-2+",
            "",
            "NOASSERTION",
            "NONE",
            "GFDL-1.1-invariants",
            "MIT OR Zlib",
            "LicenseRef-x",
        ] {
            assert!(!is_id(text), "{text}");
        }
    }

    #[test]
    fn expressions_are_of_several_ids() {
        for text in ["MIT OR Apache-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", "(MIT AND Zlib) OR ISC"] {
            assert!(is_expression(text), "{text}");
        }
        for text in ["MIT", "MIT OR", "MIT or so", "BSD 3-Clause", "MIT AND LicenseRef-x", "Public domain"] {
            assert!(!is_expression(text), "{text}");
        }
        assert!(!is_expression(&format!("{}MIT OR ISC{}", "(".repeat(400), ")".repeat(400))));
    }

    #[track_caller]
    fn check(licenses: &[&str], expect: &str) {
        let licenses: Vec<_> = licenses.iter().map(|t| (*t).to_owned()).collect();
        let declared = declared(&licenses);
        assert_eq!(declared.expression, expect);
        for (id, _) in &declared.references {
            assert!(declared.expression.contains(id));
        }
    }

    #[test]
    fn several_licences_all_hold() {
        check(&[], "NOASSERTION");
        check(&["", " "], "NOASSERTION");
        check(&["MIT"], "MIT");
        check(&["MIT", "MIT", "ISC"], "MIT AND ISC");
        check(&["MIT OR ISC"], "MIT OR ISC");
        check(&["MIT OR ISC", "Zlib"], "(MIT OR ISC) AND Zlib");
        let expression = declared(&["Public domain".to_owned()]).expression;
        assert!(expression.starts_with("LicenseRef-Public-domain-"), "{expression}");
        assert!(::spdx::Expression::parse(&expression).is_ok(), "{expression}");
    }
}
