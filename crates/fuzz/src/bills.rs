//! Bills of materials from elsewhere.
//!
//! Beside: whatever could be read can be written in every format, and what our own CycloneDX says is read
//! back as it was.

use crate::mutate::JSON;
use crate::{Target, texts};

pub(crate) fn targets() -> Vec<Target> {
    vec![Target::new("sbom", 3000, JSON, seeds, run)]
}

const CYCLONEDX: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"type":"container","name":"x",
"version":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}},"components":[
{"type":"operating-system","name":"alpine","version":"3.20.1"},{"type":"library","bom-ref":"a","group":"g","name":"n","version":"1",
"purl":"pkg:apk/alpine/n@1-r0?arch=x86_64&distro=alpine-3.20.1","licenses":[{"expression":"MIT OR Apache-2.0"}],
"properties":[{"name":"aquasecurity:trivy:SrcName","value":"s"},{"name":"syft:location:0:path","value":"/lib/apk/db/installed"}],
"components":[{"type":"application","name":"inner","version":"2"}]}],"dependencies":[{"ref":"a","dependsOn":["b"]}]}"#;

const OURS: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"type":"container","name":"x","properties":[
{"name":"cleanbill:manifest","value":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]},
"properties":[{"name":"cleanbill:format","value":"1"},{"name":"cleanbill:cataloger:0","value":"dpkg@1"},
{"name":"cleanbill:layer:0:digest","value":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
{"name":"cleanbill:layer:0:size","value":"7"},{"name":"cleanbill:problem:0:code","value":"x"}]},
"components":[{"type":"library","name":"x","purl":"pkg:npm/x@1","properties":[{"name":"cleanbill:cataloger","value":"npm@1"}]}]}"#;

const SPDX: &str = r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x","documentDescribes":["SPDXRef-I"],"packages":[
{"SPDXID":"SPDXRef-I","name":"image","versionInfo":"1","primaryPackagePurpose":"CONTAINER"},
{"SPDXID":"SPDXRef-OperatingSystem-1","name":"debian","versionInfo":"12","primaryPackagePurpose":"OPERATING-SYSTEM"},
{"SPDXID":"SPDXRef-P","name":"p","versionInfo":"1","licenseDeclared":"MIT","sourceInfo":"acquired package info from DPKG DB: /var/lib/dpkg/status",
"externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:deb/debian/p@1?upstream=q%402"}],
"attributionTexts":["PkgType: debian"]}],"files":[{"SPDXID":"SPDXRef-F","fileName":"a/b"}],"relationships":[
{"spdxElementId":"SPDXRef-P","relationshipType":"OTHER","relatedSpdxElement":"SPDXRef-F","comment":"evident-by: x"}]}"#;

const SYFT: &str = r#"{"artifacts":[{"id":"1","name":"x","version":"1","type":"deb","purl":"pkg:deb/debian/x@1","licenses":["MIT",{"value":"BSD"}],
"metadata":{"source":"y","sourceVersion":"2"},"locations":[{"path":"/x","annotations":{"evidence":"primary"},
"layerID":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}],
"source":{"type":"image","target":{"userInput":"x","manifest":"eyJsYXllcnMiOltdfQ==","layers":[]}},
"distro":{"id":"debian","versionID":"12"},"schema":{"version":"16.0.0"}}"#;

const STATEMENT: &str = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"https://cyclonedx.org/bom","predicate":
{"bomFormat":"CycloneDX","specVersion":"1.4","components":[{"type":"library","name":"a","version":"1","purl":"pkg:gem/a@1"}]}}"#;

const PURLS: &str =
    "pkg:npm/%40a/b@1\npkg:deb/debian/x@1?distro=debian-12&upstream=y-1-2.src.rpm\n# a note\npkg:a/b#c/d\n";

fn seeds() -> Vec<Vec<u8>> {
    texts(&[CYCLONEDX, OURS, SPDX, SYFT, STATEMENT, PURLS])
}

fn run(bytes: &[u8]) {
    let Ok(sbom) = cleanbill_sbom::read(bytes) else { return };
    for format in &cleanbill_sbom::ALL {
        let written = (format.write)(&sbom, None);
        // A list of package URLs may be empty, and then says nothing of what it is.
        if !sbom.packages.is_empty() {
            let again =
                cleanbill_sbom::read(&written).unwrap_or_else(|e| panic!("{} cannot be read again: {e}", format.id));
            assert!(!again.packages.is_empty(), "{} lost everything", format.id);
        }
    }
    let ours = cleanbill_sbom::cyclonedx::write(&sbom, None);
    let again = cleanbill_sbom::read(&ours).expect("what was written can be read");
    assert_eq!(cleanbill_sbom::cyclonedx::write(&again, None), ours, "written, read and written again");
}
