//! Ecosystems by their names in the OSV schema (`docs/schema.md`, "affected[].package field"), and how
//! each spells the names of its packages.

use std::borrow::Cow;

/// The ecosystem of a package URL's type; `None` for distributions, whose release matters too, and for
/// types that advisories do not speak of.
pub fn ecosystem_of_purl_type(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "maven" => "Maven",
        "golang" => "Go",
        "npm" => "npm",
        "cargo" => "crates.io",
        "pypi" => "PyPI",
        "gem" => "RubyGems",
        "nuget" => "NuGet",
        "composer" => "Packagist",
        "hex" => "Hex",
        "pub" => "Pub",
        "hackage" => "Hackage",
        "cran" => "CRAN",
        "swift" => "SwiftURL",
        "githubactions" => "GitHub Actions",
        "conan" => "ConanCenter",
        "bitnami" => "Bitnami",
        "julia" => "Julia",
        _ => return None,
    })
}

/// A package's name in the one spelling that is compared: PEP 503 for PyPI, lower case where the
/// registry does not mind case (NuGet, Packagist, GitHub Actions), as it stands elsewhere.
pub fn comparable_name<'a>(ecosystem: &str, name: &'a str) -> Cow<'a, str> {
    match ecosystem {
        "PyPI" => normalised(name),
        "NuGet" | "Packagist" | "GitHub Actions" | "Pub" if name.bytes().any(|b| b.is_ascii_uppercase()) => {
            Cow::Owned(name.to_ascii_lowercase())
        }
        _ => Cow::Borrowed(name),
    }
}

/// The name of a Python package as PEP 503 normalises it.
fn normalised(name: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    if bytes.iter().enumerate().all(|(i, b)| plain(*b) || *b == b'-' && (i == 0 || bytes[i - 1] != b'-')) {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.extend(c.to_lowercase()),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ecosystem: &str, name: &str, expect: &str) {
        assert_eq!(comparable_name(ecosystem, name), expect);
    }

    #[test]
    fn names_are_compared_in_one_spelling() {
        check("PyPI", "Flask_SQLAlchemy", "flask-sqlalchemy");
        check("PyPI", "a-._-b", "a-b");
        check("PyPI", "requests", "requests");
        check("NuGet", "Newtonsoft.Json", "newtonsoft.json");
        check("Packagist", "Symfony/HttpKernel", "symfony/httpkernel");
        check("Go", "github.com/Masterminds/semver", "github.com/Masterminds/semver");
        check("npm", "JSONStream", "JSONStream");
    }
}
