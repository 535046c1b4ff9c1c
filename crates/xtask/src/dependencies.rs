//! The lines of `[workspace.dependencies]`: each is used by some crate and says why it is there, on the
//! line itself or at the head of its group.

use crate::finding::Complaint;
use crate::sources::SourceFile;

const MANIFEST: &str = "Cargo.toml";

/// One line of the table.
struct Line<'a> {
    name: &'a str,
    explained: bool,
}

/// Whether `path` is the manifest of a crate of the workspace.
pub(crate) fn is_member_manifest(path: &str) -> bool {
    path.strip_prefix("crates/")
        .and_then(|rest| rest.strip_suffix("/Cargo.toml"))
        .is_some_and(|name| !name.contains('/'))
}

/// Checks the lines of the root manifest against the manifests that use them.
pub(crate) fn check(manifest: &str, users: &[&SourceFile]) -> Vec<Complaint> {
    let mut found = Vec::new();
    let lines = lines(manifest);
    if lines.is_empty() {
        found.push(Complaint::new(MANIFEST, "no [workspace.dependencies]", "dependencies are stated there, once"));
    }
    for line in lines {
        if !users.iter().any(|user| uses(&user.text, line.name)) {
            found.push(Complaint::new(MANIFEST, format!("no crate uses {}", line.name), "remove the line"));
        }
        if !line.explained {
            found.push(Complaint::new(
                MANIFEST,
                format!("{} does not say why it is there", line.name),
                "put a comment on the line or at the head of its group",
            ));
        }
    }
    for user in users {
        for name in own_versions(&user.text) {
            let what = format!("{name} has a version of its own");
            found.push(Complaint::new(
                &user.path,
                what,
                "state it in [workspace.dependencies], use NAME.workspace = true",
            ));
        }
    }
    found
}

fn lines(manifest: &str) -> Vec<Line<'_>> {
    let mut found = Vec::new();
    let mut inside = false;
    let mut group_explained = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[workspace.dependencies]";
        } else if !inside {
        } else if line.is_empty() {
            group_explained = false;
        } else if line.starts_with('#') {
            group_explained = true;
        } else if let Some((name, rest)) = line.split_once('=') {
            found.push(Line { name: name.trim(), explained: group_explained || rest.contains(" # ") });
        }
    }
    found
}

fn uses(manifest: &str, name: &str) -> bool {
    dependency_lines(manifest).any(|line| {
        line.strip_prefix(name).is_some_and(|rest| {
            let rest = rest.trim_start();
            rest.starts_with(".workspace") || (rest.starts_with('=') && rest.contains("workspace = true"))
        })
    })
}

/// The dependencies that do not come from the workspace's table.
fn own_versions(manifest: &str) -> Vec<&str> {
    dependency_lines(manifest)
        .filter(|line| !line.contains("workspace = true"))
        .filter_map(|line| Some(line.split_once('=')?.0.trim()))
        .collect()
}

/// The lines of the tables of dependencies.
fn dependency_lines(manifest: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    manifest.lines().map(str::trim).filter(move |line| {
        if line.starts_with('[') {
            inside = line.trim_end_matches(']').ends_with("dependencies");
            return false;
        }
        inside && !line.is_empty() && !line.starts_with('#')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::summary;

    fn found(manifest: &str, user: &str) -> Vec<String> {
        let user = SourceFile { path: "crates/a/Cargo.toml".into(), text: user.into() };
        summary(&check(&format!("[workspace.dependencies]\n{manifest}[profile.dev]\ndebug = 1\n"), &[&user]))
    }

    const USER: &str =
        "[dependencies]\nserde.workspace = true\n[dev-dependencies]\nhex = { workspace = true, features = [] }\n";

    #[test]
    fn used_and_explained_is_in_order() {
        assert_eq!(found("# Data.\nserde = \"1\"\nhex = \"0.4\"\n", USER), [] as [&str; 0]);
        assert_eq!(found("serde = \"1\" # data\n\n# text\nhex = \"0.4\"\n", USER), [] as [&str; 0]);
    }

    #[test]
    fn an_unused_line_is_found() {
        assert_eq!(
            found("# Data.\nserde = \"1\"\nserde_json = \"1\"\n", USER),
            ["Cargo.toml: no crate uses serde_json"]
        );
        assert_eq!(found("# Data.\nser = \"1\"\n", USER), ["Cargo.toml: no crate uses ser"]);
    }

    #[test]
    fn a_line_without_a_reason_is_found() {
        assert_eq!(
            found("# Data.\nserde = \"1\"\n\nhex = \"0.4\"\n", USER),
            ["Cargo.toml: hex does not say why it is there"]
        );
    }

    #[test]
    fn a_version_beside_the_table_is_found() {
        assert_eq!(
            found("# Data.\nserde = \"1\"\n", "[dependencies]\nserde.workspace = true\nhex = \"0.4\"\n"),
            ["crates/a/Cargo.toml: hex has a version of its own"]
        );
    }

    #[test]
    fn an_empty_table_is_found() {
        assert_eq!(found("", USER), ["Cargo.toml: no [workspace.dependencies]"]);
    }

    #[test]
    fn manifests_of_members_are_known() {
        assert!(is_member_manifest("crates/a/Cargo.toml"));
        assert!(!is_member_manifest("crates/a/fixtures/Cargo.toml"));
        assert!(!is_member_manifest("Cargo.toml"));
    }
}
