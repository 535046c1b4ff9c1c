//! Damaged documents are errors or SBOMs, never the end of the process.
#![allow(clippy::unwrap_used)]

struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }
}

const FOREIGN: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"type":"container",
"name":"x"}},"components":[{"type":"operating-system","name":"debian","version":"12"},{"type":"library","name":"é",
"version":"1","purl":"pkg:deb/debian/x@1?upstream=y-1-2.src.rpm&distro=debian-12","licenses":[{"license":{"id":"MIT"}}],
"properties":[{"name":"syft:location:0:path","value":"/x"}],"components":[{"type":"application","name":"y"}]}]}"#;

const OURS: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"type":"container",
"name":"x","properties":[{"name":"cleanbill:manifest","value":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]},
"properties":[{"name":"cleanbill:format","value":"1"},{"name":"cleanbill:cataloger:0","value":"dpkg@1"},
{"name":"cleanbill:layer:0:digest","value":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
{"name":"cleanbill:layer:0:size","value":"7"},{"name":"cleanbill:problem:0:code","value":"x"}]},"components":[
{"type":"library","name":"x","purl":"pkg:npm/x@1","properties":[{"name":"cleanbill:cataloger","value":"npm@1"}]}]}"#;

const SPDX: &str = r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x","documentDescribes":["SPDXRef-A"],
"packages":[{"SPDXID":"SPDXRef-OperatingSystem-1","name":"debian","versionInfo":"12"},{"SPDXID":"SPDXRef-P","name":"é",
"versionInfo":"1","sourceInfo":"acquired package info from DPKG DB: /var/lib/dpkg/status","licenseDeclared":"MIT",
"externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:deb/debian/x@1?upstream=y%402"}],
"attributionTexts":["LayerDigest: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}],
"files":[{"SPDXID":"SPDXRef-F","fileName":"a/b"}],"relationships":[{"spdxElementId":"SPDXRef-P","relationshipType":"OTHER",
"relatedSpdxElement":"SPDXRef-F","comment":"evident-by: x"}]}"#;

const OUR_SPDX: &str = r#"{"spdxVersion":"SPDX-2.3","packages":[{"SPDXID":"SPDXRef-Image","name":"i","annotations":[{"annotator":
"Tool: cleanbill-1","comment":"{\"cleanbill\":1,\"manifest\":\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"config\":\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}"}]},
{"SPDXID":"SPDXRef-Package-1","name":"x","versionInfo":"1","externalRefs":[{"referenceType":"purl","referenceLocator":
"pkg:npm/x@1"}],"annotations":[{"annotator":"Tool: cleanbill-1","comment":"{\"cleanbill\":1,\"locations\":[{\"path\":\"p\"}],\"cataloger\":\"npm@1\"}"}]}],
"annotations":[{"annotator":"Tool: cleanbill-1","comment":"{\"cleanbill\":1,\"catalogers\":[\"dpkg@1\"],\"layers\":[]}"}]}"#;

const SYFT: &str = r#"{"artifacts":[{"name":"é","version":"1","purl":"pkg:deb/debian/x@1","licenses":["MIT",{"value":"x"}],
"metadata":{"source":"y","sourceVersion":"2"},"locations":[{"path":"/x","layerID":
"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","annotations":{"evidence":"primary"}}]}],
"source":{"type":"image","target":{"userInput":"x","manifest":"eyJsYXllcnMiOltdfQ==","layers":[]}},
"distro":{"id":"debian","versionID":"12"},"schema":{"version":"16.0.0"}}"#;

const PURLS: &str = "pkg:npm/%40a/b@1\npkg:deb/debian/x@1?distro=debian-12&upstream=y-1-2.src.rpm\n# é\npkg:a/b#c/d\n";

const ALL: [&str; 6] = [FOREIGN, OURS, SPDX, OUR_SPDX, SYFT, PURLS];

#[test]
fn damaged_documents_never_end_the_process() {
    let mut random = Xorshift(0x5eed_cafe_f00d_0001);
    for text in ALL {
        let whole = cleanbill_sbom::read(text.as_bytes()).unwrap();
        assert_eq!(
            (whole.problems.iter().filter(|p| p.code == "sbom-component").count(), whole.packages.is_empty()),
            (0, false)
        );
        let mut different = 0;
        for _ in 0..1500 {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..=random.next(3) {
                let at = random.next(bytes.len().max(1));
                match random.next(6) {
                    0 if !bytes.is_empty() => bytes[at] = random.next(256) as u8,
                    1 if !bytes.is_empty() => bytes[at] ^= 1 << random.next(8),
                    2 => bytes.truncate(at),
                    3 => bytes.insert(at.min(bytes.len()), b"{}[]\":,@%"[random.next(9)]),
                    4 if !bytes.is_empty() => drop(bytes.remove(at)),
                    _ => {
                        let piece = bytes[at.min(bytes.len())..].to_vec();
                        bytes.extend(piece);
                    }
                }
            }
            different += usize::from(cleanbill_sbom::read(&bytes).map_or(true, |read| read != whole));
        }
        assert!(different > 500, "{different}: {text}");
    }
}

#[test]
fn every_cut_is_an_error_or_less() {
    for text in ALL {
        let whole = cleanbill_sbom::read(text.as_bytes()).unwrap().packages.len();
        for end in 0..text.len() {
            if let Ok(sbom) = cleanbill_sbom::read(&text.as_bytes()[..end]) {
                assert!(text == PURLS && sbom.packages.len() <= whole, "{end}: {text}");
            }
        }
    }
}

#[test]
fn deep_nesting_of_every_kind_is_refused_without_running_out_of_stack() {
    let fronts = [
        r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":["#,
        r#"{"spdxVersion":"SPDX-2.3","packages":["#,
        r#"{"artifacts":["#,
        r#"{"predicateType":"x","predicate":["#,
    ];
    for (open, close) in [("[", "]"), (r#"{"components":["#, "]}"), (r#"{"bomFormat":"#, "}")] {
        for front in fronts {
            let deep = open.repeat(20_000) + "1" + &close.repeat(20_000);
            let text = format!("{front}{deep}]}}");
            let read = cleanbill_sbom::read(text.as_bytes());
            // Members that nobody reads are passed over, however deep they are.
            let passed_over = open.contains("bomFormat") && !front.contains("predicate");
            assert!(read.map_or(true, |r| r.packages.is_empty() && (passed_over || !r.problems.is_empty())));
        }
    }
}
