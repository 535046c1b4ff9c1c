//! # gemspec
//!
//! Reads the specifications of Ruby gems that are installed: `specifications/*.gemspec` of each gem
//! folder, and `specifications/default`, the gems that come with Ruby itself. RubyGems writes them as
//! Ruby source of one form (`Gem::Specification#to_ruby`), which is read as text and never run:
//! assignments of literals to `name`, `version`, `platform`, `license` and `licenses` of the block's
//! variable, with or without `.freeze`.
//!
//! What no assignment says is taken from the line `# stub: NAME VERSION PLATFORM …` above it, and at
//! last from the file name, `NAME-VERSION.gemspec`: specifications that somebody wrote by hand may
//! compute their version.
//!
//! A package is `pkg:gem/NAME@VERSION`, with `?platform=` where it is not `ruby`. Problems: `gemspec` for
//! a file that is no specification, or says neither name nor version.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Package, Purl};

use crate::cataloger::{Cataloger, Evidence, Found, Want};

/// The cataloger.
pub(crate) static GEMSPEC: Cataloger = Cataloger {
    id: "gemspec",
    version: 1,
    kind: Kind::Installed,
    wants: &[Want::Path(Pattern::Glob("**/specifications/**/*.gemspec"))],
    read,
};

const WHAT: &str = "read the specification of the gem";
const LIMIT: u64 = 8 << 20;

#[derive(Debug, Default, PartialEq, Eq)]
struct Specification {
    name: Option<String>,
    version: Option<String>,
    platform: Option<String>,
    licenses: Vec<String>,
}

fn read(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    let Some(bytes) = evidence.whole(LIMIT, WHAT, found) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let Some(specification) = specification(&text) else {
        return found.problem("gemspec", path, WHAT, "it has no `Gem::Specification.new` with a block");
    };
    let file = evidence.name().strip_suffix(".gemspec").unwrap_or_default();
    let named = name_and_version(file);
    let (stub_name, stub_version, stub_platform) = stub(&text).unwrap_or_default();
    let pick = |first: Option<String>, stub: &str, file: &str| {
        first.or_else(|| [stub, file].iter().find(|t| !t.is_empty()).map(|t| (*t).to_owned()))
    };
    let name = pick(specification.name, stub_name, named.map_or("", |(name, _)| name));
    let version = pick(specification.version, stub_version, named.map_or("", |(_, version)| version));
    let (Some(name), Some(version)) = (name, version) else {
        return found.problem("gemspec", path, WHAT, "neither it nor its file name say name and version");
    };
    let platform = pick(specification.platform, stub_platform, "").filter(|p| p != "ruby").unwrap_or_default();
    let purl = Purl::new("gem", "", &name, &version).with("platform", &platform);
    found.package(Package::found(purl, &name, &version, path)).licenses = specification.licenses;
}

/// What the assignments in the block say; `None` without a block.
fn specification(text: &str) -> Option<Specification> {
    let (_, block) = text.split_once("Gem::Specification.new")?;
    let (head, body) = block.split_once('|')?;
    let (variable, body) = body.split_once('|')?;
    let variable = variable.trim();
    if !head.trim_end().ends_with("do") && !head.trim_end().ends_with('{')
        || variable.is_empty()
        || !variable.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    {
        return None;
    }
    let mut found = Specification::default();
    for line in body.lines() {
        let assigned = line.trim().strip_prefix(variable).and_then(|rest| rest.strip_prefix('.'));
        let Some((attribute, value)) = assigned.and_then(|rest| rest.split_once('=')) else { continue };
        let value = value.trim();
        match attribute.trim() {
            "name" => found.name = literal(value),
            "version" => found.version = literal(value),
            // Made of its parts a platform is known from the stub line.
            "platform" if !value.contains('[') => found.platform = literal(value),
            "license" => found.licenses.extend(literal(value)),
            "licenses" => found.licenses.extend(literals(value)),
            _ => {}
        }
    }
    found.licenses.dedup();
    Some(found)
}

/// A text literal at the start, or the only argument of a constructor such as `Gem::Version.new("1.0")`.
fn literal(value: &str) -> Option<String> {
    let inner = value.strip_prefix("Gem::").and_then(|rest| rest.split_once('(')).map_or(value, |(_, inner)| inner);
    let (text, _) = quoted(inner.trim_start())?;
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// The text literals of an array.
fn literals(value: &str) -> Vec<String> {
    let Some(mut rest) = value.strip_prefix('[') else { return Vec::new() };
    let mut found = Vec::new();
    while let Some(at) = rest.find(['"', '\'', '%', ']']) {
        let Some((text, after)) = quoted(&rest[at..]) else { break };
        found.push(text);
        rest = after;
    }
    found
}

/// A text in quotes, and what follows it. One that is computed (`"#{x}"`) is none.
fn quoted(text: &str) -> Option<(String, &str)> {
    if let Some(rest) = text.strip_prefix("%q") {
        // As RubyGems wrote them long ago: `%q{rack}`.
        let (open, rest) = (rest.chars().next()?, rest.get(1..)?);
        let close = [('{', '}'), ('(', ')'), ('[', ']'), ('<', '>')].into_iter().find(|(o, _)| *o == open)?.1;
        return rest.split_once(close).map(|(inner, after)| (inner.to_owned(), after));
    }
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => out.extend(chars.next().map(|(_, c)| c)),
            c if c == quote => {
                let computed = quote == '"' && out.contains("#{");
                return (!computed).then(|| (out, &text[at + 1..]));
            }
            c => out.push(c),
        }
    }
    None
}

/// Name, version and platform of the line that RubyGems reads first.
fn stub(text: &str) -> Option<(&str, &str, &str)> {
    let line = text.lines().take(5).find_map(|line| line.strip_prefix("# stub: "))?;
    let mut words = line.split_whitespace();
    Some((words.next()?, words.next()?, words.next().unwrap_or_default()))
}

/// `rack-2.2.3` holds name and version, `nokogiri-1.15.0-x86_64-linux` a platform too.
fn name_and_version(file: &str) -> Option<(&str, &str)> {
    let digit = |at: usize| file.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
    let at = file.match_indices('-').map(|(at, _)| at).find(|at| *at > 0 && digit(*at))?;
    let version = file[at + 1..].split('-').next()?;
    Some((&file[..at], version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expect: Option<&str>) {
        assert_eq!(literal(value).as_deref(), expect, "{value}");
    }

    #[test]
    fn literals_are_texts_that_nothing_computes() {
        check("\"rack\".freeze", Some("rack"));
        check("'rack'", Some("rack"));
        check("Gem::Version.new(\"1.0\")", Some("1.0"));
        check("\"a\\\"b\"", Some("a\"b"));
        check("Rack::VERSION", None);
        check("\"#{v}\"", None);
        check("\"open", None);
        check("%q{rack}", Some("rack"));
        check("%q", None);
        check("%qé", None);
        check("", None);
        assert_eq!(literals("[\"MIT\".freeze, 'Ruby', \"BSD\"]"), ["MIT", "Ruby", "BSD"]);
        assert_eq!(literals("[\"MIT\""), ["MIT"]);
        assert_eq!(literals("[%q{MIT}, %q<Ruby>]"), ["MIT", "Ruby"]);
    }

    #[test]
    fn file_names_hold_name_and_version() {
        assert_eq!(name_and_version("rack-2.2.3"), Some(("rack", "2.2.3")));
        assert_eq!(name_and_version("a-b-1.0-x86_64-linux"), Some(("a-b", "1.0")));
        assert_eq!(name_and_version("rack"), None);
    }
}
