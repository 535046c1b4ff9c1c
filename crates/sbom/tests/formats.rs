//! Documents of others in SPDX, Syft JSON and lists; and what is none of them.
#![allow(clippy::unwrap_used)]

use cleanbill_model::{Digest, DistroState, Sbom};
use cleanbill_sbom::SbomError;
use serde_json::{Value, json};

fn read(document: &Value) -> Sbom {
    cleanbill_sbom::read(document.to_string().as_bytes()).unwrap()
}

/// Name, version, source, source version, licences, locations of every package.
fn lines(sbom: &Sbom) -> Vec<String> {
    let line = |p: &cleanbill_model::Package| {
        let source = p.source.as_ref().map(|s| format!(" from {} {}", s.name, s.version)).unwrap_or_default();
        let place = |l: &cleanbill_model::Location| match &l.layer {
            Some(layer) => format!("{} in {}", l.path, layer.short()),
            None => l.path.clone(),
        };
        let places: Vec<_> = p.locations.iter().map(place).collect();
        format!("{} {}{source} [{}] ({})", p.name, p.version, p.licenses.join("; "), places.join(", "))
    };
    sbom.packages.iter().map(line).collect()
}

fn spdx(packages: Value, more: Value) -> Value {
    let mut document =
        json!({"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "doc", "packages": packages});
    for (key, value) in more.as_object().unwrap() {
        document[key] = value.clone();
    }
    document
}

fn purl(locator: &str) -> Value {
    json!([{"referenceCategory": "PACKAGE_MANAGER", "referenceType": "purl", "referenceLocator": locator}])
}

#[test]
fn spdx_of_trivy_is_read() {
    let (diff, layer) = (Digest::sha256("diff"), Digest::sha256("layer"));
    let note = |text: String| json!({"annotator": "Tool: trivy-0.60", "annotationType": "OTHER", "comment": text});
    let document = spdx(
        json!([
            {"SPDXID": "SPDXRef-ContainerImage-1", "name": "shop:1", "primaryPackagePurpose": "CONTAINER",
                "annotations": [note(format!("DiffID: {diff}")), note("SchemaVersion: 2".to_owned())]},
            {"SPDXID": "SPDXRef-OperatingSystem-2", "name": "redhat", "versionInfo": "9.4"},
            {"SPDXID": "SPDXRef-Application-3", "name": "app/package-lock.json"},
            {"SPDXID": "SPDXRef-Package-4", "name": "bash", "versionInfo": "5.1", "sourceInfo": "built package from: bash-src 5.1-2",
                "licenseDeclared": "GPLv3+", "externalRefs": purl("pkg:rpm/redhat/bash@5.1-2?arch=x86_64"),
                "annotations": [note(format!("LayerDiffID: {diff}")), note(format!("LayerDigest: {layer}"))]},
            {"SPDXID": "SPDXRef-Package-5", "name": "left-pad", "versionInfo": "1.0.0", "licenseDeclared": "NONE",
                "licenseConcluded": "MIT", "externalRefs": purl("pkg:npm/left-pad@1.0.0"), "hasFiles": ["SPDXRef-File-6"]},
        ]),
        json!({"files": [{"SPDXID": "SPDXRef-File-6", "fileName": "./app/left-pad/package.json"}],
            "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-ContainerImage-1"}]}),
    );
    let sbom = read(&document);
    assert_eq!(sbom.problems, []);
    assert_eq!(sbom.subject.name, "shop:1");
    assert_eq!((sbom.distro.id.as_str(), sbom.distro.version.as_str()), ("rhel", "9.4"));
    assert_eq!(sbom.distro.state, DistroState::Confirmed);
    assert_eq!(
        lines(&sbom),
        [
            "left-pad 1.0.0 [MIT] (./app/left-pad/package.json)".to_owned(),
            format!("bash 5.1-2 from bash-src 5.1-2 [GPLv3+] ( in {})", layer.short()),
        ]
    );
    assert_eq!(sbom.layers.len(), 1);
    assert_eq!((&sbom.layers[0].digest, &sbom.layers[0].diff_id), (&layer, &Some(diff)));
}

#[test]
fn spdx_of_syft_is_read() {
    let document = spdx(
        json!([
            {"SPDXID": "SPDXRef-DocumentRoot-Image-alpine", "name": "alpine", "versionInfo": "3.20",
                "externalRefs": purl("pkg:oci/alpine@sha256%3A00")},
            {"SPDXID": "SPDXRef-Package-apk-a", "name": "libssl", "versionInfo": "3.1-r0", "licenseDeclared": "Apache-2.0",
                "sourceInfo": "acquired package info from APK DB: /lib/apk/db/installed",
                "externalRefs": purl("pkg:apk/alpine/libssl@3.1-r0?distro=alpine-3.20.1&upstream=openssl")},
            {"SPDXID": "SPDXRef-Package-java", "name": "x", "sourceInfo": "acquired package info from installed java archive: /a.jar, /b.jar",
                "externalRefs": purl("pkg:maven/g/x@2")},
            {"SPDXID": "SPDXRef-Package-bin", "name": "node", "versionInfo": "20",
                "externalRefs": purl("pkg:generic/node@20")},
            {"SPDXID": "SPDXRef-Package-nameless", "name": "who", "versionInfo": "1"},
            {"SPDXID": "SPDXRef-Package-bad", "name": "bad", "externalRefs": purl("npm/bad")},
            7,
        ]),
        json!({"files": [{"SPDXID": "SPDXRef-File-1", "fileName": "usr/bin/node"}, {"SPDXID": "SPDXRef-File-2", "fileName": "etc/x"}],
            "relationships": [
                {"spdxElementId": "SPDXRef-Package-bin", "relationshipType": "OTHER", "relatedSpdxElement": "SPDXRef-File-1",
                    "comment": "evident-by: indicates the package's existence is evident by the given file"},
                {"spdxElementId": "SPDXRef-Package-bin", "relationshipType": "CONTAINS", "relatedSpdxElement": "SPDXRef-File-2"},
                {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-DocumentRoot-Image-alpine"}]}),
    );
    let sbom = read(&document);
    assert_eq!(
        lines(&sbom),
        [
            "libssl 3.1-r0 from openssl 3.1-r0 [Apache-2.0] (lib/apk/db/installed)",
            "node 20 [] (usr/bin/node)",
            "g:x 2 [] (a.jar, b.jar)",
        ]
    );
    assert_eq!((sbom.subject.name.as_str(), sbom.distro.version.as_str()), ("alpine", "3.20.1"));
    let whats: Vec<_> = sbom.problems.iter().map(|p| format!("{}: {}", p.what, p.why)).collect();
    assert_eq!(whats.len(), 3, "{whats:?}");
    assert!(whats[0].starts_with("read a package: "), "{whats:?}");
    assert_eq!(whats[1], "read the package who 1: it has no package URL");
    assert!(whats[2].starts_with("read the package bad: ") && whats[2].contains("pkg:"), "{whats:?}");
}

#[test]
fn what_a_document_is_about_is_no_package_unless_it_is_about_several() {
    let packages = json!([
        {"SPDXID": "SPDXRef-A", "name": "a", "versionInfo": "1"},
        {"SPDXID": "SPDXRef-B", "name": "b", "versionInfo": "2"},
    ]);
    let problems =
        |described: Value| read(&spdx(packages.clone(), json!({"documentDescribes": described}))).problems.len();
    assert_eq!(problems(json!(["SPDXRef-A"])), 1);
    assert_eq!(problems(json!(["SPDXRef-A", "SPDXRef-B"])), 2);
}

#[test]
fn syft_json_is_read() {
    use base64::Engine as _;
    let (diff, layer) = (Digest::sha256("diff"), Digest::sha256("layer"));
    let manifest = json!({"layers": [{"digest": layer.to_string(), "size": 77}]});
    let manifest = base64::engine::general_purpose::STANDARD.encode(manifest.to_string());
    let document = json!({
        "artifacts": [
            {"name": "libc6", "version": "2.36-9", "type": "deb", "purl": "pkg:deb/debian/libc6@2.36-9?distro=debian-12",
                "licenses": [{"value": "GPL-2", "spdxExpression": "GPL-2.0-only"}, {"value": "own", "spdxExpression": ""}],
                "metadata": {"source": "glibc", "sourceVersion": "2.36-8"},
                "locations": [
                    {"path": "/var/lib/dpkg/status", "layerID": diff.to_string(), "annotations": {"evidence": "primary"}},
                    {"path": "/usr/share/doc/libc6/copyright", "layerID": diff.to_string(), "annotations": {"evidence": "supporting"}}]},
            {"name": "old", "version": "1", "purl": "pkg:npm/old@1", "licenses": ["MIT"], "metadata": {"source": {"x": 1}},
                "locations": [{"path": "/old/package.json", "layerID": "sha256:none"}]},
            {"name": "plugin", "version": "1", "purl": ""},
            {"name": 7},
        ],
        "source": {"type": "image", "metadata": {"userInput": "shop:1", "imageID": Digest::sha256("c").to_string(),
            "manifestDigest": Digest::sha256("m").to_string(), "os": "linux", "architecture": "arm64", "manifest": manifest,
            "layers": [{"digest": diff.to_string(), "size": 100}]}},
        "distro": {"id": "debian", "versionID": "12", "versionCodename": "bookworm", "prettyName": "Debian GNU/Linux 12"},
        "schema": {"version": "16.1.10"},
    });
    let sbom = read(&document);
    assert_eq!(
        lines(&sbom),
        [
            format!("libc6 2.36-9 from glibc 2.36-8 [GPL-2.0-only; own] (var/lib/dpkg/status in {})", layer.short()),
            "old 1 [MIT] (old/package.json)".to_owned(),
        ]
    );
    assert_eq!(sbom.distro.codename, "bookworm");
    assert_eq!(sbom.distro.state, DistroState::Confirmed);
    let identity = sbom.subject.identity.unwrap();
    assert_eq!((sbom.subject.name.as_str(), identity.manifest), ("shop:1", Digest::sha256("m")));
    assert_eq!(identity.platform.unwrap().to_string(), "linux/arm64");
    assert_eq!((sbom.layers[0].size, &sbom.layers[0].digest), (77, &layer));
    assert_eq!(sbom.problems.len(), 2);
    assert_eq!(sbom.problems[0].what, "read the artifact plugin 1");
}

#[test]
fn a_list_of_package_urls_is_read() {
    let text =
        "# of ours\n\npkg:deb/debian/libc6@2.36-9?distro=debian-12&upstream=glibc\r\npkg:npm/a@1\npkg:npm/a@1\nnpm/b\n";
    let sbom = cleanbill_sbom::read(text.as_bytes()).unwrap();
    assert_eq!(lines(&sbom), ["libc6 2.36-9 from glibc 2.36-9 [] ()", "a 1 [] ()"]);
    assert_eq!((sbom.distro.id.as_str(), sbom.distro.version.as_str()), ("debian", "12"));
    assert_eq!(sbom.problems.len(), 1);
    assert_eq!(sbom.problems[0].path, "line 6");
}

#[test]
fn utf_16_is_read() {
    let text = "\u{feff}{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"components\":[{\"type\":\"library\",\"name\":\"é\",\"purl\":\"pkg:npm/é@1\"}]}";
    let bytes = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    for bytes in [bytes(u16::to_le_bytes), bytes(u16::to_be_bytes), text.as_bytes().to_vec()] {
        assert_eq!(lines(&cleanbill_sbom::read(&bytes).unwrap()), ["é 1 [] ()"]);
    }
}

#[test]
fn the_predicate_of_a_statement_is_read() {
    let predicate = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components":
        [{"type": "library", "name": "a", "purl": "pkg:npm/a@1"}]});
    let statement = json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://cyclonedx.org/bom", "predicate": predicate});
    assert_eq!(lines(&read(&statement)), ["a 1 [] ()"]);
    let other = json!({"predicateType": "x", "predicate": {"builder": 1}});
    assert!(cleanbill_sbom::read(other.to_string().as_bytes()).is_err());
}

#[test]
fn names_of_distributions_are_those_of_os_release() {
    let check = |name: &str, version: &str, expect: &str| {
        let document = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
            {"type": "operating-system", "name": name, "version": version},
            {"type": "library", "name": "a", "purl": "pkg:rpm/x/a@1-1"}]});
        let distro = read(&document).distro;
        assert_eq!(format!("{} {}", distro.id, distro.version), expect);
    };
    check("redhat", "8.9", "rhel 8.9");
    check("amazon", "2 (Karoo)", "amzn 2");
    check("alma", "9.3", "almalinux 9.3");
    check("oracle", "9.1", "ol 9.1");
    check("suse linux enterprise server", "15.4", "sles 15.4");
    check("Rocky", "9", "rocky 9");
}

#[test]
fn trivy_names_the_distribution_by_namespace_and_release() {
    let document = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
        {"type": "library", "name": "musl", "purl": "pkg:apk/alpine/musl@1.2.3-r0?distro=3.16.0"}]});
    let distro = read(&document).distro;
    assert_eq!((distro.id.as_str(), distro.version.as_str()), ("alpine", "3.16.0"));
}

#[test]
fn what_is_no_sbom_is_told_as_what_it_is() {
    let check = |text: &str, part: &str| {
        let error = cleanbill_sbom::read(text.as_bytes()).unwrap_err();
        assert!(matches!(error, SbomError::Foreign(_)), "{text}: {error}");
        assert!(error.to_string().contains(part), "{text}: {error}");
    };
    check("", "no bytes");
    check("<bom xmlns=\"http://cyclonedx.org/schema/bom/1.5\"/>", "CycloneDX XML");
    check("SPDXVersion: SPDX-2.3", "tag-value");
    check("---\nspdxVersion: \"SPDX-2.3\"", "SPDX YAML");
    check(r#"{"spdxVersion":"SPDX-2.9"}"#, "SPDX JSON of version `SPDX-2.9`");
    check(r#"{"SPDXID":"SPDXRef-DOCUMENT"}"#, "does not say which version");
    check(r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}"#, "SPDX 3");
    check(r#"{"artifacts":[],"schema":{"version":"17.0.0"}}"#, "schema `17.0.0`");
    check(r#"{"bomFormat":"CycloneDX","specVersion":"1.8"}"#, "version `1.8`");
    check(r#"{"ArtifactName":"x","Results":[]}"#, "Trivy report");
    check(r#"{"matches":[]}"#, "Grype report");
    check(r#"{"payloadType":"application/vnd.in-toto+json","payload":""}"#, "DSSE");
    check(r#"{"schema":"cleanbill/scan/v1"}"#, "cleanbill/scan/v1");
    let malformed = |text: &str, start: &str| {
        let error = cleanbill_sbom::read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    };
    malformed(r#"{"spdxVersion":"SPDX-2.3","#, "malformed SPDX JSON: ");
    malformed(r#"{"artifacts":["#, "malformed Syft JSON: ");
    malformed(r#"{"artifacts":7}"#, "malformed Syft JSON: ");
    malformed(r#"{"bomFormat":"CycloneDX"#, "malformed CycloneDX JSON: ");
}
