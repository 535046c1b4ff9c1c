//! # dotnet-deps
//!
//! Reads what .NET programs were published with: `NAME.deps.json` beside each program and each shared
//! framework ("Runtime configuration files" of dotnet/sdk). `libraries` says what a library is,
//! `targets` which files of it are there.
//!
//! Listed are libraries of type `package`, and of type `runtimepack`, the runtime itself in programs
//! that bring their own; the latter's name loses its prefix `runtimepack.`, so that it is the one that
//! advisories use. Left out, as nothing of them is aboard:
//!
//! * projects and references, which are no packages;
//! * packages without a file for run time: those the compiler alone used, and old packages whose code
//!   moved into the runtime, of which only the name is left. Where no target names a package this is
//!   not known, and it is listed.
//!
//! A package is `pkg:nuget/Name@version`. Problems: `dotnet-deps` for a file that is no JSON or has no
//! libraries, and for a library without version.

use std::collections::BTreeMap;

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Package, Purl};
use serde::Deserialize;
use serde_json::Value;

use crate::cataloger::{Cataloger, Evidence, Found, Want};

/// The cataloger.
pub(crate) static DOTNET_DEPS: Cataloger = Cataloger {
    id: "dotnet-deps",
    version: 1,
    kind: Kind::Installed,
    wants: &[Want::Path(Pattern::Glob("**/*.deps.json"))],
    read,
};

const WHAT: &str = "read the libraries of the .NET program";
const LIMIT: u64 = 64 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    runtime_target: Option<Value>,
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, Assets>>,
    libraries: Option<BTreeMap<String, Library>>,
}

/// The files of one library in one target, by what they are for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assets {
    runtime: Option<BTreeMap<String, Value>>,
    runtime_targets: Option<BTreeMap<String, Value>>,
    native: Option<BTreeMap<String, Value>>,
    resources: Option<BTreeMap<String, Value>>,
}

impl Assets {
    fn at_run_time(&self) -> bool {
        let kinds = [&self.runtime, &self.runtime_targets, &self.native, &self.resources];
        // A file `_._` stands for none.
        kinds.into_iter().flatten().any(|files| files.keys().any(|file| !file.ends_with("_._")))
    }
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type", default)]
    kind: String,
}

fn read(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    let Some(bytes) = evidence.whole(LIMIT, WHAT, found) else { return };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let document: Document = match serde_json::from_slice(bytes) {
        Ok(document) => document,
        Err(error) => return found.problem("dotnet-deps", path, WHAT, error.to_string()),
    };
    let Some(libraries) = &document.libraries else {
        return found.problem("dotnet-deps", path, WHAT, "it has no `libraries`");
    };
    // Newer files name the target in an object, older ones in a text.
    let target = document.runtime_target.as_ref().and_then(|t| t.get("name").unwrap_or(t).as_str());
    let targets: Vec<_> = match target.and_then(|name| document.targets.get(name)) {
        Some(target) => vec![target],
        None => document.targets.values().collect(),
    };
    for (key, library) in libraries {
        let kind = library.kind.to_ascii_lowercase();
        if kind != "package" && kind != "runtimepack" {
            continue;
        }
        let assets: Vec<_> = targets.iter().filter_map(|target| target.get(key)).collect();
        if !assets.is_empty() && !assets.iter().any(|a| a.at_run_time()) {
            continue;
        }
        let (name, version) = key.split_once('/').unwrap_or((key, ""));
        if name.is_empty() || version.is_empty() {
            found.problem("dotnet-deps", path, WHAT, format!("library `{key}` has no version"));
            continue;
        }
        let name = name.strip_prefix("runtimepack.").filter(|_| kind == "runtimepack").unwrap_or(name);
        found.package(Package::found(Purl::new("nuget", "", name, version), name, version, path));
    }
}
