//! What an archive is: from `pom.properties`, `pom.xml`, its manifest and its name.

use std::collections::BTreeMap;

use super::groups::{Packages, group, group_by_name};
use super::manifest::{first_named_section, main_section, properties};

/// Endings of file names that say which file of an artifact it is, not which version.
const CLASSIFIERS: [&str; 18] = [
    "sources",
    "javadoc",
    "tests",
    "test-sources",
    "test-fixtures",
    "jar-with-dependencies",
    "with-dependencies",
    "all",
    "shaded",
    "shadow",
    "uber",
    "fat",
    "boot",
    "exec",
    "plain",
    "standalone",
    "nodep",
    "bundle",
];

/// How Maven calls a package.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Coordinates {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: String,
}

/// An archive, as far as it is known without reading what is in it.
pub(super) struct Itself<'a> {
    pub(super) path: &'a str,
    /// Its name says that it is a plug-in of Jenkins.
    pub(super) plugin: bool,
    pub(super) classes: &'a Packages,
    /// Groups and artifacts that files in `META-INF/maven` state, with a version or without.
    pub(super) maven: &'a [(String, String)],
}

/// A value that says something; build tools leave placeholders behind.
fn stated(value: Option<&String>) -> Option<String> {
    value.map(|v| v.trim()).filter(|v| !v.is_empty() && !v.contains("${")).map(str::to_owned)
}

/// What a `pom.properties` at this path says.
pub(super) fn from_pom(name: &str, text: &[u8]) -> Option<Coordinates> {
    let values = properties(text);
    let mut folders = name.rsplit('/').skip(1);
    let (artifact, group) = (folders.next()?, folders.next()?);
    Some(Coordinates {
        group: stated(values.get("groupId")).unwrap_or_else(|| group.to_owned()),
        artifact: stated(values.get("artifactId")).unwrap_or_else(|| artifact.to_owned()),
        version: stated(values.get("version"))?,
    })
}

/// Group and artifact that the path of a file in `META-INF/maven` states.
pub(super) fn from_path(name: &str) -> Option<(String, String)> {
    let mut folders = name.rsplit('/').skip(1);
    let (artifact, group) = (folders.next()?, folders.next()?);
    (folders.next() == Some("maven")).then(|| (group.to_owned(), artifact.to_owned()))
}

/// What a `pom.xml` says of its own project: group, artifact and version, if none of them is computed
/// from what it does not hold. Group and version may be those of its parent.
pub(super) fn from_pom_xml(text: &[u8]) -> Result<Option<(String, String, Option<String>)>, String> {
    let text = String::from_utf8_lossy(text);
    let options = roxmltree::ParsingOptions { allow_dtd: false, nodes_limit: 1 << 20, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(text.trim_start_matches('\u{feff}'), options)
        .map_err(|error| error.to_string())?;
    let project = document.root_element();
    let element = |of: roxmltree::Node<'_, '_>, name: &str| {
        let found = of.children().find(|c| c.is_element() && c.tag_name().name() == name);
        found.map(|e| e.id())
    };
    let node = |id| document.get_node(id);
    let text_of = |of: roxmltree::Node<'_, '_>, name: &str| {
        let text = element(of, name).and_then(node)?.text()?.trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    let parent = element(project, "parent").and_then(node);
    let set = element(project, "properties").and_then(node);
    // `${NAME}` stands for a property of this file, or for what its parent says.
    let filled = |value: String| {
        let Some(name) = value.strip_prefix("${").and_then(|v| v.strip_suffix('}')) else { return Some(value) };
        match name.strip_prefix("project.parent.").or(name.strip_prefix("parent.")) {
            Some(field) => parent.and_then(|p| text_of(p, field)),
            None => set.and_then(|s| text_of(s, name)),
        }
    };
    let said = |name: &str| text_of(project, name).or_else(|| parent.and_then(|p| text_of(p, name)));
    let plain = |value: Option<String>| value.and_then(filled).filter(|v| !v.contains("${"));
    let (Some(group), Some(artifact)) = (plain(said("groupId")), plain(text_of(project, "artifactId"))) else {
        return Ok(None);
    };
    Ok(Some((group, artifact, plain(said("version")))))
}

/// What the archive itself is, where none of its `pom.properties` says so, and what the manifest says is
/// copied into it.
pub(super) fn itself(archive: &Itself<'_>, poms: &[Coordinates], manifest: &[u8]) -> Vec<Coordinates> {
    let main = main_section(manifest);
    let mut found = Vec::new();
    found.extend(own(archive, poms, manifest, &main));
    if let Some(version) = stated(main.get("spring-boot-version"))
        && archive.classes.has("org/springframework/boot/loader")
        && !archive.classes.has("org/springframework/boot/autoconfigure")
    {
        let loader = Coordinates {
            group: "org.springframework.boot".to_owned(),
            artifact: "spring-boot-loader".to_owned(),
            version,
        };
        if !found.contains(&loader) && !poms.contains(&loader) {
            found.push(loader);
        }
    }
    found
}

fn own(
    archive: &Itself<'_>,
    poms: &[Coordinates],
    manifest: &[u8],
    main: &BTreeMap<String, String>,
) -> Option<Coordinates> {
    let file = archive.path.rsplit('/').next()?;
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let known = |own: Coordinates| (!poms.contains(&own)).then_some(own);
    if let Some(plugin) = plugin(main, stem, archive.plugin) {
        return known(plugin);
    }
    let group = |artifact: &str, section: &BTreeMap<String, String>| {
        let maven = archive.maven.iter().find(|(_, a)| a == artifact).map(|(group, _)| group.clone());
        let kept = || in_repository(archive.path).filter(|(_, a)| *a == artifact).map(|(group, _)| group);
        maven.or_else(kept).or_else(|| group(artifact, section, archive.classes)).unwrap_or_default()
    };
    let weaves = main.contains_key("weave-classes");
    let mut section = main.clone();
    if version_of(main).is_none() {
        section = first_named_section(manifest);
    }
    let version = version_of(&section);
    let named = name_and_version(stem, version.as_deref()).filter(|_| !weaves);
    let artifact = named.map_or(stem, |(name, _)| name);
    let itself = |pom: &Coordinates| {
        pom.artifact == artifact
            || stem == pom.artifact
            || stem.strip_prefix(pom.artifact.as_str()).and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| {
                rest.starts_with(&pom.version) || (version.is_none() && rest.starts_with(|c: char| c.is_ascii_digit()))
            })
    };
    if poms.iter().any(itself) {
        return None;
    }
    if let ([pom], Some((_, version))) = (poms, named)
        && pom.version == version
    {
        return None; // the same by another spelling: `error-prone` and `error_prone`
    }
    if let Some((name, version)) = named {
        let group = group(name, main);
        return Some(Coordinates { group, artifact: name.to_owned(), version: version.to_owned() });
    }
    if poms.len() == 1 {
        return None; // a renamed file with one name of its own
    }
    let version = version?;
    let bundle = stated(main.get("bundle-symbolicname"))
        .map(|b| b.split(';').next().unwrap_or_default().trim().to_owned())
        .filter(|b| !b.is_empty());
    // Gradle's `GROUP#ARTIFACT;VERSION` as well as a plain name.
    let title = stated(section.get("implementation-title")).map(|title| match title.split_once('#') {
        Some((_, rest)) => rest.split(';').next().unwrap_or_default().to_owned(),
        None => title,
    });
    let title = title.filter(|t| !t.is_empty() && !t.contains([' ', '/']));
    // `org.apache.tomcat-catalina` in `catalina.jar`: with a hyphen the last part is the artifact.
    let last = bundle.as_deref().and_then(|b| b.rsplit_once('.')).map(|(_, last)| last).filter(|l| l.contains('-'));
    let by_name = || group_by_name(stem, main, archive.classes).is_some().then(|| stem.to_owned());
    let artifact = last.map(str::to_owned).or_else(by_name).or(title).or(bundle).unwrap_or_else(|| stem.to_owned());
    if poms.iter().any(|pom| pom.artifact == artifact && pom.version == version) {
        return None;
    }
    Some(Coordinates { group: group(&artifact, main), artifact, version })
}

/// Group and artifact of a file in a repository of Maven (`org/x/lib/1.0/lib-1.0.jar`) or in the cache of
/// Gradle (`files-2.1/org.x/lib/1.0/DIGEST/lib-1.0.jar`).
fn in_repository(path: &str) -> Option<(String, &str)> {
    let parts: Vec<&str> = path.rsplit("!/").next()?.split('/').collect();
    let after = |names: &[&str]| parts.iter().rposition(|p| names.contains(p)).map(|at| &parts[at + 1..]);
    if let Some([group, artifact, _, _, _]) = after(&["files-2.1"]) {
        return Some(((*group).to_owned(), artifact));
    }
    let [group @ .., artifact, version, file] = after(&["repository", "maven-repo"])? else { return None };
    let fits = file.strip_prefix(artifact)?.strip_prefix('-')?.starts_with(version);
    (fits && !group.is_empty()).then(|| (group.join("."), *artifact))
}

/// The version a manifest states; what follows a blank is a date or a number of a build.
fn version_of(section: &BTreeMap<String, String>) -> Option<String> {
    let keys = ["implementation-version", "bundle-version", "specification-version"];
    let version = keys.iter().find_map(|key| stated(section.get(*key)))?;
    version.split_whitespace().next().map(str::to_owned)
}

/// A plug-in of Jenkins, as its manifest describes it.
fn plugin(main: &BTreeMap<String, String>, stem: &str, by_name: bool) -> Option<Coordinates> {
    // The version may be followed by who built it: `1.0-SNAPSHOT (private-…)`.
    let version = stated(main.get("plugin-version"))?.split_whitespace().next()?.to_owned();
    let name = stated(main.get("short-name")).or_else(|| stated(main.get("extension-name")));
    let for_jenkins = main.contains_key("jenkins-version") || main.contains_key("hudson-version");
    if !by_name && !for_jenkins {
        return None;
    }
    Some(Coordinates {
        group: stated(main.get("group-id")).unwrap_or_else(|| "org.jenkins-ci.plugins".to_owned()),
        artifact: name.unwrap_or_else(|| stem.to_owned()),
        version,
    })
}

/// `log4j-core-2.14.1` is `log4j-core` in version `2.14.1`. The version starts where `stated` stands at
/// the end, as in `log4j-1.2-api-2.17.1`, else at the first digit after a hyphen, or after an
/// underscore behind a dotted name, as Eclipse writes it.
fn name_and_version<'a>(stem: &'a str, stated: Option<&str>) -> Option<(&'a str, &'a str)> {
    let classifier = CLASSIFIERS.iter().find_map(|c| stem.strip_suffix(c).and_then(|rest| rest.strip_suffix('-')));
    let stem = classifier.unwrap_or(stem);
    let split = |at: usize| (!stem[..at].is_empty()).then(|| (&stem[..at], &stem[at + 1..]));
    if let Some(name) = stated.and_then(|v| stem.strip_suffix(v)).and_then(|rest| rest.strip_suffix(['-', '_'])) {
        return split(name.len());
    }
    let digit = |at: usize| stem.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
    let first = |mark: char| stem.match_indices(mark).map(|(at, _)| at).find(|at| *at > 0 && digit(*at));
    let eclipse = || first('_').filter(|at| stem[..*at].contains('.'));
    first('-').or_else(eclipse).and_then(split)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stem: &str, stated: Option<&str>, expect: Option<(&str, &str)>) {
        assert_eq!(name_and_version(stem, stated), expect, "{stem}");
    }

    #[test]
    fn file_names_hold_name_and_version() {
        check("log4j-core-2.14.1", None, Some(("log4j-core", "2.14.1")));
        check("guava-31.1-jre", Some("31.1.0.jre"), Some(("guava", "31.1-jre")));
        check("log4j-1.2-api-2.17.1", Some("2.17.1"), Some(("log4j-1.2-api", "2.17.1")));
        check("api-all-2.0.0-sources", None, Some(("api-all", "2.0.0")));
        check("org.eclipse.osgi_3.16.0.v2020", None, Some(("org.eclipse.osgi", "3.16.0.v2020")));
        check("kafka_2.13-3.0.0", None, Some(("kafka_2.13", "3.0.0")));
        check("app", None, None);
        check("app", Some("app"), None);
        check("commons-lang", None, None);
        check("-1.0", None, None);
        check("-1.0", Some("1.0"), None);
    }

    #[test]
    fn repositories_name_groups_by_their_folders() {
        let of = |path| in_repository(path).map(|(group, artifact)| format!("{group}:{artifact}"));
        assert_eq!(of("root/.m2/repository/org/x/lib/1.0/lib-1.0.jar").as_deref(), Some("org.x:lib"));
        assert_eq!(of("usr/share/maven-repo/org/x/lib/1.0/lib-1.0.jar").as_deref(), Some("org.x:lib"));
        assert_eq!(of("c/modules-2/files-2.1/org.x/lib/1.0/0123/lib-1.0.jar").as_deref(), Some("org.x:lib"));
        assert_eq!(of("root/.m2/repository/org/x/lib/1.0/other-1.0.jar"), None);
        assert_eq!(of("srv/repository/lib-1.0.jar"), None);
        assert_eq!(of("app.war!/WEB-INF/lib/lib-1.0.jar"), None);
    }

    #[test]
    fn a_pom_takes_from_its_parent_what_it_does_not_say() {
        let of = |text: &str| from_pom_xml(text.as_bytes()).unwrap();
        let some = |g: &str, a: &str, v: &str| {
            Some((g.to_owned(), a.to_owned(), Some(v.to_owned()).filter(|v| !v.is_empty())))
        };
        let parent = "<parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version></parent>";
        let own = "<groupId>o</groupId><artifactId>a</artifactId>";
        assert_eq!(of(&format!("<project>{parent}<artifactId>a</artifactId></project>")), some("g", "a", "1"));
        let spaced = "<project xmlns='http://maven.apache.org/POM/4.0.0'>";
        assert_eq!(of(&format!("{spaced}{own}<version>2</version>{parent}</project>")), some("o", "a", "2"));
        let computed = "<version>${v}</version>";
        assert_eq!(of(&format!("<project>{own}{computed}{parent}</project>")), some("o", "a", ""));
        let set = "<properties><v>3</v></properties>";
        assert_eq!(of(&format!("<project>{own}{computed}{set}</project>")), some("o", "a", "3"));
        let of_parent = "<version>${project.parent.version}</version>";
        assert_eq!(of(&format!("<project>{own}{of_parent}{parent}</project>")), some("o", "a", "1"));
        assert_eq!(of(&format!("<project>{computed}</project>")), None);
        assert!(from_pom_xml(b"<project>").is_err());
    }
}
