//! Root file systems and applications made by the ecosystems' own tools, which also say what is in them.

use super::{Component, StartError, cache, find, tail};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn failed(component: Component, error: &io::Error) -> StartError {
    StartError::failed(component, error)
}

fn run(component: Component, command: &mut Command) -> Result<Vec<u8>, StartError> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| failed(component, &error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(StartError::failed(component, tail(&output.stderr)))
}

/// Holds a place in the cache while it is made; freed when dropped.
fn lock(place: &Path) -> io::Result<File> {
    fs::create_dir_all(place.parent().unwrap_or(place))?;
    let file = File::create(place.with_extension("lock"))?;
    file.lock()?;
    Ok(file)
}

/// The folder of a Debian root file system with these packages beside the smallest set; made once and
/// kept in the cache. Needs root and a Debian mirror.
pub fn debian(suite: &str, include: &[&str]) -> Result<PathBuf, StartError> {
    let component = Component::Mmdebstrap;
    let program = find(component)?;
    let name = std::iter::once(suite).chain(include.iter().copied()).collect::<Vec<_>>().join("+");
    let place = cache().join("roots").join(name);
    let _held = lock(&place).map_err(|error| failed(component, &error))?;
    if place.join("var/lib/dpkg/status").exists() {
        return Ok(place);
    }
    let _ = fs::remove_dir_all(&place);
    let new = place.with_extension("new");
    let _ = fs::remove_dir_all(&new);
    let mut command = Command::new(program);
    command.args(["--quiet", "--variant=minbase", "--format=directory"]);
    if !include.is_empty() {
        command.arg(format!("--include={}", include.join(",")));
    }
    run(component, command.arg(suite).arg(&new))?;
    fs::rename(&new, &place).map_err(|error| failed(component, &error))?;
    Ok(place)
}

/// What dpkg itself says is installed below `root`: name, version, architecture.
pub fn dpkg_query(root: &Path) -> Result<Vec<(String, String, String)>, StartError> {
    let mut command = Command::new("dpkg-query");
    command.arg(format!("--admindir={}", root.join("var/lib/dpkg").display()));
    let listed = run(Component::Mmdebstrap, command.args(["-W", "-f", "${Package}\t${Version}\t${Architecture}\n"]))?;
    let text = String::from_utf8_lossy(&listed);
    let fields = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        Some((fields.next()?, fields.next()?, fields.next()?))
    };
    Ok(text.lines().filter_map(fields).collect())
}

/// What RubyGems inside `root` says is there: `gem list`, name and version.
pub fn gem_list(root: &Path) -> Result<Vec<(String, String)>, StartError> {
    let listed =
        run(Component::Mmdebstrap, Command::new("chroot").arg(root).args(["gem", "list", "--local", "--all"]))?;
    let mut gems = Vec::new();
    for line in String::from_utf8_lossy(&listed).lines() {
        let Some((name, versions)) = line.strip_suffix(')').and_then(|line| line.split_once(" (")) else { continue };
        for version in versions.split(", ") {
            let version = version.strip_prefix("default: ").unwrap_or(version);
            let version = version.split(' ').next().unwrap_or(version);
            gems.push((name.to_owned(), version.to_owned()));
        }
    }
    Ok(gems)
}

/// A Python environment in `folder` with these requirements; what `pip list` says, name and version.
pub fn python(folder: &Path, requirements: &[&str]) -> Result<Vec<(String, String)>, StartError> {
    let component = Component::Python;
    run(component, Command::new(find(component)?).args(["-m", "venv", "--copies"]).arg(folder))?;
    let python = folder.join("bin/python");
    let pip = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.args(["-m", "pip", "--disable-pip-version-check"]).args(arguments);
        run(component, &mut command)
    };
    pip(&[&["install", "--only-binary=:all:"], requirements].concat())?;
    let listed = pip(&["list", "--format=json"])?;
    let listed: Vec<serde_json::Value> =
        serde_json::from_slice(&listed).map_err(|error| StartError::failed(component, error))?;
    let text = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    Ok(listed.iter().map(|package| (text(package, "name"), text(package, "version"))).collect())
}

/// A Node.js application in `folder` with these dependencies; what `npm ls --all` says, name and version.
pub fn node(folder: &Path, dependencies: &[&str]) -> Result<Vec<(String, String)>, StartError> {
    let component = Component::Npm;
    let npm = find(component)?;
    let manifest = r#"{"name":"app","version":"1.0.0","private":true}"#;
    fs::write(folder.join("package.json"), manifest).map_err(|error| failed(component, &error))?;
    let run_npm = |arguments: &[&str]| {
        let mut command = Command::new(&npm);
        command.args(["--no-audit", "--no-fund", "--no-update-notifier"]).args(arguments).current_dir(folder);
        run(component, &mut command)
    };
    run_npm(&[&["install", "--ignore-scripts", "--silent"], dependencies].concat())?;
    let listed: serde_json::Value =
        serde_json::from_slice(&run_npm(&["ls", "--all", "--json"])?).map_err(|e| StartError::failed(component, e))?;
    let mut found = Vec::new();
    let mut pending = vec![&listed["dependencies"]];
    while let Some(dependencies) = pending.pop() {
        for (name, package) in dependencies.as_object().into_iter().flatten() {
            if let Some(version) = package["version"].as_str() {
                found.push((name.clone(), version.to_owned()));
            }
            pending.push(&package["dependencies"]);
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Unpacks the image `tag` of an OCI layout into `folder`, as a runtime would; the files are then below
/// `rootfs` in it.
pub fn umoci_unpack(layout: &Path, tag: &str, folder: &Path) -> Result<PathBuf, StartError> {
    let component = Component::Umoci;
    let mut command = Command::new(find(component)?);
    command.args(["unpack", "--image"]).arg(format!("{}:{tag}", layout.display())).arg(folder);
    run(component, &mut command)?;
    Ok(folder.join("rootfs"))
}
