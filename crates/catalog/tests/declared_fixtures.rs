//! Walks a folder of public lock files and manifests: each must yield packages or problems, or be among
//! those that declare nothing. The folder holds `testdata` of anchore/syft, aquasecurity/trivy and
//! google/osv-scalibr, whose files do not always have the names that they would have in a project.
#![allow(clippy::unwrap_used, clippy::print_stdout)]
#[path = "../../image/tests/build/mod.rs"]
mod build;

use std::collections::BTreeMap;
use std::path::Path;

use build::Tar;
use cleanbill_catalog::{Scope, look, wants};
use cleanbill_image::read_tree;
use cleanbill_model::{Budget, Subject};

/// Folder, how the file's name starts and ends, and the name it has in a project. The first that fits
/// counts; an empty name is a file of another kind.
const NAMES: &[(&str, &str, &str, &str)] = &[
    ("/corrupt/", "package.json", "", ""),
    ("/", "", "pnpm-lock.yaml", "pnpm-lock.yaml"),
    ("/packagelockjson/", "npm-shrinkwrap", "", "npm-shrinkwrap.json"),
    ("/packagelockjson/", "", "", "package-lock.json"),
    ("/nodejs/npm/", "package-lock", "", "package-lock.json"),
    ("/javascript/corrupt/", "package-lock", "", "package-lock.json"),
    ("/", "yarn", "lock", "yarn.lock"),
    ("/yarnlock/", "", "", "yarn.lock"),
    ("/pnpmlock/", "", "", "pnpm-lock.yaml"),
    ("/nodejs/pnpm/", "", "", "pnpm-lock.yaml"),
    ("/bunlock/", "", "", "bun.lock"),
    ("/bun/", "", "lock", "bun.lock"),
    ("/python/requirements/", "", "", "requirements.txt"),
    ("/python/pip/", "", "", "requirements.txt"),
    ("/pipfilelock/", "", "", "Pipfile.lock"),
    ("/", "Pipfile", "lock", "Pipfile.lock"),
    ("/poetrylock/", "", "", "poetry.lock"),
    ("/poetry/", "", "lock", "poetry.lock"),
    ("/uvlock/", "", "", "uv.lock"),
    ("/uv/", "", "", "uv.lock"),
    ("/pdmlock/", "", "", "pdm.lock"),
    ("/", "pdm.lock", "", "pdm.lock"),
    ("/pylock/", "", "", "pylock.toml"),
    ("/gomod/", "", ".mod", "go.mod"),
    ("/", "go.mod", "", "go.mod"),
    ("/golang/mod/no-go-version/", "gomod", "", "go.mod"),
    ("/cargolock/", "", "", "Cargo.lock"),
    ("/gemfilelock/", "", "", "Gemfile.lock"),
    ("/", "Gemfile", "lock", "Gemfile.lock"),
    ("/composerlock/", "", "", "composer.lock"),
    ("/", "composer.lock", "", "composer.lock"),
    ("/packageslockjson/", "", "", "packages.lock.json"),
    ("/", "packages.lock.json", "", "packages.lock.json"),
    ("/nuget/config/", "", "", "packages.config"),
    ("/nugetcpm/", "", "", "Directory.Packages.props"),
    ("/nuget/packagesprops/", "", "", "packages.props"),
    ("/", "paket.lock", "", "paket.lock"),
    ("/gradlelockfile/", "", "", "gradle.lockfile"),
    ("/", "gradle.lockfile", "", "gradle.lockfile"),
    ("/pomxml/", "", "", "pom.xml"),
    ("/", "", "pom.xml", "pom.xml"),
    ("/", "", ".pom", "pom.xml"),
    ("/sbt/", "", "lock", "build.sbt.lock"),
    ("/dart/", "", ".lock", "pubspec.lock"),
    ("/dart/pubspec/", "not-yaml", "", "pubspec.lock"),
    ("/mixlock/", "", "", "mix.lock"),
    ("/", "", "mix.lock", "mix.lock"),
    ("/conanlock/", "", "", "conan.lock"),
    ("/conan/", "", ".lock", "conan.lock"),
    ("/", "conan.lock", "", "conan.lock"),
    ("/packageresolved/", "", "", "Package.resolved"),
    ("/", "", ".resolved", "Package.resolved"),
    ("/swift/swift/", "", "Package.resolved", "Package.resolved"),
    ("/podfilelock/", "", "", "Podfile.lock"),
    ("/", "Podfile", "lock", "Podfile.lock"),
    ("/cocoapods/", "", "lock", "Podfile.lock"),
    ("/renvlock/", "", "", "renv.lock"),
    ("/", "stack.yaml.lock", "", "stack.yaml.lock"),
    ("/stacklock/", "", "", "stack.yaml.lock"),
    ("/haskell/cabal/", "", "", "cabal.project.freeze"),
];

/// Files that rightly yield nothing, and why.
const NOTHING: &[(&str, &str)] = &[
    ("/conanlock/empty.v1.revisions.json", "only the project"),
    ("/conanlock/empty.v2.json", "empty"),
    ("/conanlock/one-package-dev.v2.json", "only what the build needs"),
    ("/conan/empty_v1.lock", "empty"),
    ("/pubspec/no-packages.lock", "empty"),
    ("/pubspec/one-package-dev.lock", "only development"),
    ("/pubspec/source-path.lock", "only a folder"),
    ("/nugetcpm/nopackage", "an entry without name"),
    ("/mixlock/empty.lock", "empty"),
    ("/gomod/empty.mod", "empty"),
    ("/xerrors/go.mod", "requires nothing"),
    ("/gradlelockfile/only-empty", "empty"),
    ("/bunlock/no-packages.json5", "empty"),
    ("/packagelockjson/empty.v1.json", "empty"),
    ("/packagelockjson/files.v2.json", "only development and a folder"),
    ("/pnpmlock/no-packages.v9.yaml", "empty"),
    ("/pnpmlock/no-packages.yaml", "empty"),
    ("/pnpmlock/one-package-dev.v9.yaml", "only development"),
    ("/pnpmlock/tarball.yaml", "only development"),
    ("/yarnlock/empty.v2.lock", "empty"),
    ("/yarnlock/files.v2.lock", "only a folder"),
    ("/yarnlock/metadata-only.v2.lock", "empty"),
    ("/composerlock/empty.json", "empty"),
    ("/pdmlock/empty-file.toml", "empty"),
    ("/pdmlock/empty.toml", "empty"),
    ("/pdm-lock-extras/pdm.lock", "only development"),
    ("/pipfilelock/empty.json", "empty"),
    ("/poetrylock/empty.lock", "empty"),
    ("/requirements/other-loop.txt", "only an option"),
    ("/uvlock/no-packages.lock", "only the project"),
    ("/cargolock/empty.lock", "empty"),
    ("/sbt/lockfile/empty.sbt.lock", "empty"),
];

/// Whether a project of Maven has no dependency but for its tests.
fn has_no_dependency(pom: &str) -> bool {
    let document = roxmltree::Document::parse(pom).unwrap();
    let lists = document.root_element().children().filter(|node| node.tag_name().name() == "dependencies");
    let scope = |node: roxmltree::Node| {
        let scope = node.children().find(|child| child.tag_name().name() == "scope");
        scope.and_then(|scope| scope.text()).unwrap_or_default().to_owned()
    };
    lists
        .flat_map(|list| list.children())
        .filter(|node| node.tag_name().name() == "dependency")
        .all(|node| scope(node) == "test")
}

fn files(folder: &Path, found: &mut Vec<String>, root: &Path) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found, root);
        } else {
            found.push(format!("/{}", path.strip_prefix(root).unwrap().to_str().unwrap()));
        }
    }
}

fn name_in_project(path: &str) -> Option<&'static str> {
    let file = path.rsplit('/').next().unwrap();
    let fits = |(folder, start, end, _): &&(&str, &str, &str, &'static str)| {
        path.contains(folder) && file.starts_with(start) && file.ends_with(end)
    };
    NAMES.iter().find(fits).map(|(_, _, _, name)| *name).filter(|name| !name.is_empty())
}

/// Reads the folder that `CLEANBILL_PARSER_FIXTURES` names.
#[test]
#[ignore = "needs CLEANBILL_PARSER_FIXTURES, a folder with public lock files"]
fn every_fixture_yields_packages_or_a_reason() {
    let root = std::env::var("CLEANBILL_PARSER_FIXTURES").unwrap();
    let root = Path::new(&root);
    let mut paths = Vec::new();
    files(root, &mut paths, root);
    let mut tar = Tar::new();
    let mut cases: BTreeMap<String, &str> = BTreeMap::new();
    for path in &paths {
        let Some(name) = name_in_project(path) else { continue };
        let folder = format!("case{}", cases.len());
        let bytes = std::fs::read(root.join(&path[1..])).unwrap();
        tar = tar.file(&format!("{folder}/{name}"), &bytes);
        for sibling in ["go.sum", "package.json", "pyproject.toml"] {
            let sibling_path = root.join(&path[1..]).with_file_name(sibling);
            if let Ok(bytes) = std::fs::read(sibling_path) {
                tar = tar.file(&format!("{folder}/{sibling}"), &bytes);
            }
        }
        cases.insert(format!("{folder}/{name}"), path);
    }
    assert!(cases.len() > 200, "{} is not the folder of fixtures", root.display());
    let (image, blobs) = build::image(&[tar.finish()]);
    let budget = Budget::default();
    let mut left = budget.clone();
    let tree = read_tree(&image, &blobs, &wants(Scope::Source), &mut left).unwrap();
    let sbom = look(tree, Subject::default(), Scope::Source, &budget, left).unwrap();
    let mut silent = Vec::new();
    let (mut with_packages, mut with_problems, mut reasoned, mut all) = (0, 0, 0, 0);
    for (case, path) in &cases {
        let of_case = sbom.packages.iter().filter(|p| p.locations.iter().any(|l| l.path == *case));
        let purls: Vec<_> = of_case.map(|p| p.purl.to_string()).collect();
        let packages = purls.len();
        let problems: Vec<_> = sbom.problems.iter().filter(|p| p.path == *case).collect();
        println!("{packages:5} {:3} {path}", problems.len());
        for problem in &problems {
            println!("            {}: {}", problem.code, problem.why);
        }
        for purl in &purls {
            println!("            {purl}");
        }
        all += packages;
        with_packages += usize::from(packages > 0);
        with_problems += usize::from(!problems.is_empty());
        let mut known = NOTHING.iter().any(|(end, _)| path.ends_with(end));
        if packages == 0 && problems.is_empty() && case.ends_with("pom.xml") {
            known = has_no_dependency(&std::fs::read_to_string(root.join(&path[1..])).unwrap());
        }
        reasoned += usize::from(packages == 0 && problems.is_empty() && known);
        if packages == 0 && problems.is_empty() && !known {
            silent.push(*path);
        }
    }
    let files = cases.len();
    println!("{files} files, {with_packages} with packages ({all}), {with_problems} with problems, {reasoned} empty");
    assert!(silent.is_empty(), "neither packages nor a reason: {silent:#?}");
}
