//! Documents of others, as far as they say.
#![allow(clippy::unwrap_used)]

use cleanbill_model::{DistroState, Sbom};
use cleanbill_sbom::{SbomError, cyclonedx};
use serde_json::{Value, json};

fn read(version: &str, components: Value) -> Sbom {
    let document = json!({
        "bomFormat": "CycloneDX", "specVersion": version, "version": 1,
        "metadata": {"component": {"type": "container", "name": "shop:1", "version": "sha256:00"}},
        "components": components,
    });
    cyclonedx::read(document.to_string().as_bytes()).unwrap()
}

fn property(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

/// One package of a component: name, version, source name and version, first path.
#[track_caller]
fn check(component: Value, expect: [&str; 5]) {
    let sbom = read("1.6", json!([component]));
    assert_eq!(sbom.problems, []);
    let p = &sbom.packages[0];
    let source = p.source.as_ref().map_or(("", ""), |s| (&s.name, &s.version));
    let path = p.locations.first().map_or("", |l| &l.path);
    assert_eq!([p.name.as_str(), p.version.as_str(), source.0, source.1, path], expect);
}

#[test]
fn names_are_as_the_ecosystem_writes_them() {
    let library = |purl: &str| json!({"type": "library", "name": "ignored", "purl": purl});
    check(library("pkg:maven/org.x/y@1"), ["org.x:y", "1", "", "", ""]);
    check(library("pkg:npm/%40a/b@1"), ["@a/b", "1", "", "", ""]);
    check(library("pkg:golang/github.com/gorilla/mux@v1.8.0"), ["github.com/gorilla/mux", "v1.8.0", "", "", ""]);
    check(library("pkg:deb/debian/libc6@2.36-9"), ["libc6", "2.36-9", "", "", ""]);
    check(library("pkg:pypi/requests@2"), ["requests", "2", "", "", ""]);
    check(
        json!({"type": "library", "name": "y", "group": "org.x", "version": "3", "purl": "pkg:maven/y"}),
        ["org.x:y", "3", "", "", ""],
    );
    check(library("pkg:rpm/centos/bash@4.2-1?epoch=2"), ["bash", "2:4.2-1", "", "", ""]);
}

#[test]
fn source_packages_of_syft_and_trivy_are_read() {
    let deb = |properties: Value| {
        json!({"type": "library", "name": "libc6", "version": "2.36-9+b1",
            "purl": "pkg:deb/debian/libc6@2.36-9%2Bb1", "properties": properties})
    };
    check(deb(json!([property("syft:metadata:source", "glibc")])), ["libc6", "2.36-9+b1", "glibc", "2.36-9+b1", ""]);
    check(
        deb(json!([property("syft:metadata:source", "glibc"), property("syft:metadata:sourceVersion", "2.36-9")])),
        ["libc6", "2.36-9+b1", "glibc", "2.36-9", ""],
    );
    check(
        deb(json!([
            property("aquasecurity:trivy:SrcName", "glibc"),
            property("aquasecurity:trivy:SrcVersion", "2.36"),
            property("aquasecurity:trivy:SrcRelease", "9"),
            property("aquasecurity:trivy:SrcEpoch", "1"),
        ])),
        ["libc6", "2.36-9+b1", "glibc", "1:2.36-9", ""],
    );
    let library = |purl: &str| json!({"type": "library", "name": "x", "purl": purl});
    check(library("pkg:deb/debian/a@1?upstream=b%402"), ["a", "1", "b", "2", ""]);
    check(library("pkg:rpm/rhel/a-libs@1-2?upstream=a-tool-1-2.src.rpm"), ["a-libs", "1-2", "a-tool", "1-2", ""]);
    check(library("pkg:npm/a@1?upstream=b"), ["a", "1", "", "", ""]);
}

#[test]
fn epochs_beside_the_version_go_with_the_source_too() {
    let library = |purl: &str| json!({"type": "library", "name": "x", "purl": purl});
    check(library("pkg:rpm/rhel/a@1-2?epoch=4&upstream=b-1-2.src.rpm"), ["a", "4:1-2", "b", "4:1-2", ""]);
    check(library("pkg:deb/debian/perl@5.36?epoch=1"), ["perl", "1:5.36", "", "", ""]);
    check(library("pkg:deb/debian/perl@1:5.36?epoch=1"), ["perl", "1:5.36", "", "", ""]);
}

#[test]
fn paths_are_read_without_their_first_slash() {
    let library = |name: &str| json!({"type": "library", "name": "x", "purl": "pkg:maven/g/x@1", "properties": [property(name, "/app/x.jar")]});
    check(library("syft:location:0:path"), ["g:x", "1", "", "", "app/x.jar"]);
    check(library("aquasecurity:trivy:FilePath"), ["g:x", "1", "", "", "app/x.jar"]);
}

#[test]
fn nested_components_become_a_flat_list() {
    let inner = json!({"type": "library", "name": "b", "purl": "pkg:npm/b@1"});
    let outer = json!({"type": "application", "name": "package-lock.json", "components": [inner]});
    for version in ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"] {
        let sbom = read(version, json!([outer, {"type": "file", "name": "/etc/x"}]));
        assert_eq!(sbom.packages.len(), 1, "{version}");
        assert_eq!((sbom.problems.len(), sbom.subject.name.as_str()), (0, "shop:1"));
    }
}

#[test]
fn what_cannot_be_understood_becomes_a_problem_and_the_rest_is_read() {
    let sbom = read(
        "1.5",
        json!([
            {"type": "library", "name": "nameless", "version": "1"},
            {"type": "library", "name": "bad", "purl": "npm/x"},
            {"type": "library", "name": 7},
            {"type": "application", "name": "tool", "version": "2"},
            {"type": "library", "name": "good", "purl": "pkg:npm/good@1"},
        ]),
    );
    let whats: Vec<_> = sbom.problems.iter().map(|p| format!("{}: {}", p.what, p.why)).collect();
    assert_eq!(whats.len(), 4, "{whats:?}");
    assert_eq!(whats[0], "read the component nameless 1: it has no package URL");
    assert!(whats[1].contains("must start with `pkg:`"), "{whats:?}");
    assert!(whats[2].starts_with("read a component: "), "{whats:?}");
    assert_eq!(whats[3], "read the component tool 2: it has no package URL");
    assert_eq!(sbom.packages.len(), 1);
}

#[test]
fn too_deep_nesting_is_a_problem() {
    let mut component = json!({"type": "library", "name": "x", "purl": "pkg:npm/x@1"});
    for _ in 0..100 {
        component = json!({"type": "application", "name": "a", "components": [component]});
    }
    // Its own text is deeper than the reader goes: told, not followed.
    let text = format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{component}]}}"#);
    let sbom = cyclonedx::read(text.as_bytes()).unwrap();
    assert_eq!((sbom.packages.len(), sbom.problems.len()), (0, 1));
}

#[test]
fn the_distribution_is_believed_only_with_release_and_packages() {
    let os = |version: Value| json!({"type": "operating-system", "name": "Debian", "version": version});
    let deb = json!({"type": "library", "name": "a", "purl": "pkg:deb/debian/a@1?distro=debian-12"});
    let bare = json!({"type": "library", "name": "a", "purl": "pkg:deb/debian/a@1"});
    let npm = json!({"type": "library", "name": "a", "purl": "pkg:npm/a@1"});
    let check = |components: Value, id: &str, version: &str, state: &str| {
        let distro = read("1.6", components).distro;
        assert_eq!((distro.id.as_str(), distro.version.as_str()), (id, version));
        match &distro.state {
            DistroState::Unknown(why) => assert!(!state.is_empty() && why.contains(state), "{why}"),
            DistroState::Confirmed => assert_eq!(state, "confirmed"),
            DistroState::None => assert_eq!(state, "none"),
        }
    };
    check(json!([os("12".into()), bare]), "debian", "12", "confirmed");
    check(json!([os(Value::Null), bare]), "debian", "", "which release");
    check(json!([os("12".into()), npm]), "debian", "12", "holds no package of it");
    check(json!([deb]), "debian", "12", "confirmed");
    check(json!([bare]), "", "", "does not name the distribution");
    check(json!([npm]), "", "", "none");
}

#[test]
fn licences_are_read_in_all_their_forms() {
    let sbom = read(
        "1.6",
        json!([{"type": "library", "name": "a", "purl": "pkg:npm/a@1", "licenses":
            [{"license": {"id": "MIT"}}, {"license": {"name": "own"}}, {"expression": "MIT OR Zlib"}]}]),
    );
    assert_eq!(sbom.packages[0].licenses, ["MIT", "own", "MIT OR Zlib"]);
}

#[test]
fn what_is_no_cyclonedx_is_told_as_what_it_is() {
    let check = |text: &str, part: &str| {
        let error = cyclonedx::read(text.as_bytes()).unwrap_err();
        assert!(matches!(error, SbomError::Foreign(_)), "{text}: {error}");
        assert!(error.to_string().contains(part), "{text}: {error}");
    };
    check("", "no bytes");
    check("<bom/>", "XML");
    check("SPDXVersion: SPDX-2.3", "tag-value");
    check(r#"{"spdxVersion":"SPDX-2.3"}"#, "SPDX JSON");
    check(r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}"#, "SPDX 3");
    check(r#"{"artifacts":[],"schema":{}}"#, "Syft JSON");
    check(r#"{"x":1}"#, "`bomFormat`");
    check("[]", "neither a JSON object nor");
    check(r#"{"bomFormat":"CycloneDX","specVersion":"9.1"}"#, "version `9.1`; 1.2 to 1.7");
    let error = cyclonedx::read(br#"{"bomFormat":"CycloneDX","#).unwrap_err();
    assert!(matches!(error, SbomError::Malformed { .. }), "{error}");
    assert!(error.to_string().starts_with("malformed CycloneDX JSON: "), "{error}");
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    let text = "\u{feff}{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.4\"}";
    assert_eq!(cyclonedx::read(text.as_bytes()).unwrap().packages, []);
}
