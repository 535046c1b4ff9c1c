//! Every cataloger. An input is a path, the bytes of that file, and any number of siblings (a name, a line
//! end, bytes), each set apart by [`APART`]. A path that the cataloger does not want is replaced by one that it does,
//! and a name that it does not ask for is left out, as it would never be given either.
//!
//! Beside: what is found has a name, its package URL is one, and each problem says what it is.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use cleanbill_catalog::{ALL, Cataloger, Evidence, Found, Want};
use cleanbill_image::{Bytes, Wants};
use cleanbill_model::{Budget, Purl};

use crate::mutate::{JSON, LINES, TOML, XML, YAML};
use crate::{Target, What, cases, text};

/// Between the parts of an input; no seed has it in its files.
pub(crate) const APART: &[u8] = b"\n\xff--\xff\n";

pub(crate) fn targets() -> Vec<Target> {
    let target = |cataloger: &'static Cataloger| Target {
        name: format!("catalog-{}", cataloger.id),
        rounds: if matches!(cataloger.id, "rpm" | "java") { 1500 } else { 2500 },
        words: words(cataloger.id),
        what: What::Cataloger(cataloger),
    };
    ALL.iter().copied().map(target).collect()
}

/// What the cataloger's format is made of.
fn words(id: &str) -> &'static [&'static str] {
    match id {
        "pom" | "packages-config" | "packages-props" | "pear" => XML,
        "pnpm-lock" | "pubspec-lock" | "stack-lock" | "podfile-lock" => YAML,
        "cargo-lock" | "poetry-lock" | "uv-lock" | "pdm-lock" | "pylock" => TOML,
        "npm-installed" | "package-lock" | "bun-lock" | "composer-lock" | "composer-installed" | "pipfile-lock"
        | "nuget-lock" | "dotnet-deps" | "conan-lock" | "package-resolved" | "renv-lock" | "sbt-lock"
        | "python-sboms" | "cargo-auditable" => JSON,
        "go-binary" | "rpm" => &[],
        _ => LINES,
    }
}

/// Whether a cataloger would be given a file, by its path or by how it begins.
fn is_wanted(cataloger: &Cataloger, wants: &Wants, path: &str, bytes: &[u8]) -> bool {
    wants.path(path.as_bytes())
        || cataloger.wants.iter().any(|want| match want {
            Want::Content(content) => content.heads.iter().any(|head| bytes.starts_with(head)),
            Want::Path(_) | Want::With(..) => false,
        })
}

fn paths_of(cataloger: &Cataloger) -> Wants {
    let patterns = cataloger.wants.iter().filter_map(|want| match want {
        Want::Path(pattern) | Want::With(pattern, _) => Some(*pattern),
        Want::Content(_) => None,
    });
    Wants::new(patterns, [])
}

/// Names of siblings it asks for.
fn sibling_names(cataloger: &Cataloger) -> impl Iterator<Item = &'static str> {
    let names = cataloger.wants.iter().filter_map(|want| match want {
        Want::With(_, names) => Some(*names),
        Want::Path(_) | Want::Content(_) => None,
    });
    names.flatten().copied()
}

pub(crate) fn seeds(cataloger: &Cataloger) -> Vec<Vec<u8>> {
    let wants = paths_of(cataloger);
    let mut seeds = Vec::new();
    for files in cases::of(cataloger.id) {
        for (path, bytes) in files.iter().filter(|(path, bytes)| is_wanted(cataloger, &wants, path, bytes)) {
            let folder = path.rfind('/').map_or("", |at| &path[..=at]);
            let mut seed = [path.as_bytes(), APART, bytes].concat();
            for name in sibling_names(cataloger) {
                if let Some(sibling) = files.get(&format!("{folder}{name}")) {
                    seed.extend([APART, name.as_bytes(), b"\n", sibling].concat());
                }
            }
            seeds.push(seed);
        }
    }
    assert!(!seeds.is_empty(), "the cases of {} have no file that it wants", cataloger.id);
    seeds
}

/// A path that the cataloger wants, for inputs whose own is none.
fn default_path(cataloger: &Cataloger) -> String {
    static KNOWN: LazyLock<Mutex<HashMap<&'static str, String>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().expect("nobody panics with it");
    let path = known.entry(cataloger.id).or_insert_with(|| {
        let seed = seeds(cataloger).swap_remove(0);
        let path = parts(&seed).remove(0);
        text(path).into_owned()
    });
    path.clone()
}

fn parts(mut input: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some(at) = input.windows(APART.len()).position(|window| window == APART) {
        parts.push(&input[..at]);
        input = &input[at + APART.len()..];
    }
    parts.push(input);
    parts
}

pub(crate) fn run(cataloger: &Cataloger, input: &[u8]) {
    let parts = parts(input);
    let (path, bytes) = match parts.as_slice() {
        [bytes] => (String::new(), *bytes),
        [path, bytes, ..] => (text(path).into_owned(), *bytes),
        [] => return,
    };
    let path = if is_wanted(cataloger, &paths_of(cataloger), &path, bytes) { path } else { default_path(cataloger) };
    let mut evidence = Evidence::new(&path, Bytes::from(bytes.to_vec()));
    for sibling in parts.iter().skip(2) {
        let (name, bytes) = sibling.split_at(sibling.iter().position(|b| *b == b'\n').unwrap_or(sibling.len()));
        let asked = sibling_names(cataloger).find(|asked| asked.as_bytes() == name);
        if let Some(name) = asked.filter(|name| evidence.siblings.iter().all(|(n, _)| n != name)) {
            evidence.siblings.push((name, Bytes::from(bytes.get(1..).unwrap_or_default().to_vec())));
        }
    }
    // What tests may take: a bomb within it is not worth a test's minute.
    let mut found = Found::new(Budget { bytes: 16 << 20, file_bytes: 8 << 20, ..Budget::default() });
    (cataloger.read)(&evidence, &mut found);
    for package in &found.packages {
        assert!(!package.name.is_empty(), "a package without name: {package:?}");
        assert!(!package.locations.is_empty(), "a package without place: {package:?}");
        // Those are not taken into an SBOM.
        if package.purl.is_too_long() {
            continue;
        }
        let shown = package.purl.to_string();
        let again = Purl::parse(&shown).unwrap_or_else(|e| panic!("{shown:?} is no package URL: {e}"));
        assert_eq!(again.to_string(), shown, "a package URL that reads otherwise");
    }
    for problem in &found.problems {
        assert!(!problem.code.is_empty() && !problem.why.is_empty(), "a problem that says nothing: {problem:?}");
    }
}
