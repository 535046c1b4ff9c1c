//! Damaged documents are errors or SBOMs, never the end of the process.
#![allow(clippy::unwrap_used)]

use cleanbill_sbom::cyclonedx;

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

#[test]
fn damaged_documents_never_end_the_process() {
    let mut random = Xorshift(0x5eed_cafe_f00d_0001);
    let mut errors = 0;
    assert!(cyclonedx::read(FOREIGN.as_bytes()).is_ok() && cyclonedx::read(OURS.as_bytes()).is_ok());
    for round in 0..3000 {
        let mut bytes = if round % 2 == 0 { FOREIGN } else { OURS }.as_bytes().to_vec();
        for _ in 0..=random.next(3) {
            let at = random.next(bytes.len().max(1));
            match random.next(5) {
                0 if !bytes.is_empty() => bytes[at] = random.next(256) as u8,
                1 => bytes.truncate(at),
                2 => bytes.insert(at.min(bytes.len()), b"{}[]\":,@%"[random.next(9)]),
                3 if !bytes.is_empty() => drop(bytes.remove(at)),
                _ => {
                    let piece = bytes[at.min(bytes.len())..].to_vec();
                    bytes.extend(piece);
                }
            }
        }
        errors += usize::from(cyclonedx::read(&bytes).is_err());
    }
    assert!(errors > 500, "{errors}");
}

#[test]
fn deep_nesting_of_every_kind_is_refused_without_running_out_of_stack() {
    for (open, close) in [("[", "]"), (r#"{"components":["#, "]}")] {
        let deep = open.repeat(20_000) + &close.repeat(20_000);
        let text = format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{deep}]}}"#);
        let read = cyclonedx::read(text.as_bytes());
        assert!(read.is_err() || !read.unwrap().problems.is_empty());
    }
}
