//! Readers of lock files and manifests never panic: the files of all cases are cut, changed bit by bit
//! and put together anew, and values are nested deeper than any reader may follow.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use cleanbill_catalog::{ALL, Cataloger, Evidence, Found, Want};
use cleanbill_image::{Bytes, Wants};
use cleanbill_model::{Budget, Kind};

/// Files of the cases of one cataloger: path and text.
fn seeds(id: &str) -> Vec<(String, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(format!("{id}.md"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut seeds: Vec<(String, Vec<u8>)> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("```file ") {
            seeds.push((path.to_owned(), Vec::new()));
            open = true;
        } else if line == "```" {
            open = false;
        } else if open {
            seeds.last_mut().unwrap().1.extend([line.as_bytes(), b"\n"].concat());
        }
    }
    seeds
}

fn declared() -> impl Iterator<Item = &'static Cataloger> {
    ALL.iter().copied().filter(|cataloger| cataloger.kind == Kind::Declared)
}

fn wants_of(cataloger: &Cataloger) -> Wants {
    let patterns = cataloger.wants.iter().filter_map(|want| match want {
        Want::Path(pattern) | Want::With(pattern, _) => Some(*pattern),
        Want::Content(_) => None,
    });
    Wants::new(patterns, [])
}

fn sibling_names(cataloger: &Cataloger) -> Vec<&'static str> {
    let names = cataloger.wants.iter().filter_map(|want| match want {
        Want::With(_, names) => Some(*names),
        Want::Path(_) | Want::Content(_) => None,
    });
    names.flatten().copied().collect()
}

/// What is read of a file, with one beside it.
fn read(cataloger: &Cataloger, path: &str, bytes: &[u8], siblings: &[(&'static str, Vec<u8>)]) -> Found {
    let mut evidence = Evidence::new(path, Bytes::from(bytes.to_vec()));
    evidence.siblings = siblings.iter().map(|(name, bytes)| (*name, Bytes::from(bytes.clone()))).collect();
    let mut found = Found::new(Budget::default());
    (cataloger.read)(&evidence, &mut found);
    for package in &found.packages {
        assert!(!package.name.is_empty() && !package.version.is_empty(), "{package:?}");
        assert!(package.purl.version.is_some() && package.locations.len() == 1, "{package:?}");
        assert_eq!(cleanbill_model::Purl::parse(&package.purl.to_string()).unwrap().kind, package.purl.kind);
    }
    found
}

/// A pseudorandom sequence, the same in every run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % limit.max(1) as u64) as usize
    }
}

fn mutated(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(..at)),
            3 => {
                let end = (at + random.below(40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            4 => {
                const SIGNS: &[&str] =
                    &["@", "/", "\"", ":", "(", ")", "[", "${", "$(", "é", "\n", " ", "=", "-", "\\", "npm:"];
                let sign = SIGNS[random.below(SIGNS.len())];
                bytes.splice(at..at, sign.bytes());
            }
            _ => {
                let end = (at + random.below(20)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }
    bytes
}

#[test]
fn changed_files_never_panic() {
    for cataloger in declared() {
        let wants = wants_of(cataloger);
        let seeds = seeds(cataloger.id);
        let primary: Vec<_> = seeds.iter().filter(|(path, _)| wants.path(path.as_bytes())).collect();
        assert!(!primary.is_empty(), "{} has no seed", cataloger.id);
        let mut random = Random(cataloger.id.bytes().map(u64::from).sum());
        for (path, seed) in primary {
            let siblings: Vec<_> = sibling_names(cataloger)
                .into_iter()
                .filter(|name| path.rsplit('/').next() != Some(*name))
                .filter_map(|name| {
                    let found = seeds.iter().find(|(path, _)| path.rsplit('/').next() == Some(name));
                    found.map(|(_, bytes)| (name, bytes.clone()))
                })
                .filter(|(name, _)| *name != "npm-shrinkwrap.json")
                .collect();
            for _ in 0..250 {
                let changed: Vec<_> =
                    siblings.iter().map(|(name, bytes)| (*name, mutated(bytes, &mut random))).collect();
                read(cataloger, path, &mutated(seed, &mut random), &changed);
            }
        }
    }
}

/// Values inside values: no reader may follow them until the stack is full.
#[test]
fn deep_values_are_refused() {
    const DEEP: usize = 20_000;
    let shapes: &[(&str, &str)] = &[
        ("{\"a\":", "}"),
        ("[", "]"),
        ("{\"dependencies\":{\"a\":", "}}"),
        ("<a>", "</a>"),
        ("a = [", "]"),
        ("a:\n- - - - - - - - [", "]"),
        ("{a: ", "}"),
        ("(", ")"),
    ];
    for cataloger in declared() {
        let name =
            seeds(cataloger.id).into_iter().map(|(path, _)| path).find(|p| wants_of(cataloger).path(p.as_bytes()));
        let path = name.unwrap();
        for (open, close) in shapes {
            for text in [open.repeat(DEEP), open.repeat(DEEP) + &close.repeat(DEEP)] {
                let found = read(cataloger, &path, text.as_bytes(), &[]);
                assert!(found.packages.is_empty(), "{}: {open}", cataloger.id);
            }
        }
        let dotted = format!("{}x = 1\n", "a.".repeat(DEEP));
        read(cataloger, &path, dotted.as_bytes(), &[]);
        let indented: String = (0..1000).map(|at| format!("{}a:\n", " ".repeat(at))).collect();
        read(cataloger, &path, indented.as_bytes(), &[]);
    }
}

/// Many entries cost no more than a pass over each, and only so many become problems.
#[test]
fn many_broken_entries_are_counted() {
    let lines: String = (0..100_000).map(|at| format!("no requirement {at}\nname{at}>=1\n")).collect();
    let requirements = ALL.iter().find(|cataloger| cataloger.id == "requirements").unwrap();
    let found = read(requirements, "requirements.txt", lines.as_bytes(), &[]);
    assert!(found.packages.is_empty());
    assert_eq!(found.problems.len(), 18);
    let why: Vec<_> = found.problems.iter().map(|problem| problem.why.as_str()).collect();
    assert!(why.contains(&"99984 more entries cannot be read"), "{why:?}");
    assert!(why.last().unwrap().ends_with("name7 and 99992 more"), "{why:?}");
}

/// One name in many entries, each of which needs the name: no reader may look at all pairs of them.
#[test]
fn many_entries_of_one_name_are_looked_at_once() {
    const MANY: usize = 40_000;
    let by_id = |id: &str| ALL.iter().find(|cataloger| cataloger.id == id).unwrap();
    let yarn: String =
        (0..MANY).map(|at| format!("a@{at}:\n  version \"{at}\"\n  dependencies:\n    a \"other\"\n")).collect();
    let manifest = br#"{"dependencies": {"b": "1"}, "devDependencies": {"a": "other"}}"#.to_vec();
    let found = read(by_id("yarn-lock"), "yarn.lock", yarn.as_bytes(), &[("package.json", manifest)]);
    assert!(found.packages.is_empty(), "all of them are for development");
    let uv: String = (0..MANY)
        .map(|at| format!("[[package]]\nname = \"a\"\nversion = \"{at}\"\ndependencies = [{{ name = \"a\" }}]\n"))
        .collect();
    let found = read(by_id("uv-lock"), "uv.lock", uv.as_bytes(), &[]);
    assert_eq!(found.packages.len(), MANY);
    let poetry: String = (0..MANY)
        .map(|at| format!("[[package]]\nname = \"a\"\nversion = \"{at}\"\n[package.dependencies]\na = \"*\"\n"))
        .collect();
    let project = b"[tool.poetry.dependencies]\na = '*'\n".to_vec();
    let found = read(by_id("poetry-lock"), "poetry.lock", poetry.as_bytes(), &[("pyproject.toml", project)]);
    assert_eq!(found.packages.len(), MANY);
    let gomod: String = (0..MANY).map(|at| format!("require a/b{at} v1.0.0\n")).collect();
    let sum: String = (0..MANY).map(|at| format!("a/c{at} v1.0.0 h1:x\n")).collect();
    let found = read(by_id("go-mod"), "go.mod", gomod.as_bytes(), &[("go.sum", sum.into_bytes())]);
    assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
    assert_eq!((found.packages.len(), found.problems[0].code.as_str()), (50_000, "declared-too-many"));
}

#[test]
fn files_that_are_too_large_are_problems() {
    for cataloger in declared() {
        let path =
            seeds(cataloger.id).into_iter().map(|(path, _)| path).find(|p| wants_of(cataloger).path(p.as_bytes()));
        let found = read(cataloger, &path.unwrap(), &vec![b' '; (16 << 20) + 1], &[]);
        let codes: Vec<_> = found.problems.iter().map(|problem| problem.code.as_str()).collect();
        assert_eq!(codes, ["file-too-large"], "{}", cataloger.id);
    }
}
