//! Damaged answers: none may make the client panic, and none may be taken for what it is not.
#![allow(clippy::unwrap_used)]

use cleanbill_oci::{Client, ClientOptions, Credentials};
use cleanbill_testkit::{BuiltImage, ImageBuilder, Registry, RegistryOptions};

struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// A few bytes changed, cut out or doubled.
    fn damage(&mut self, valid: &[u8]) -> Vec<u8> {
        let mut bytes = valid.to_vec();
        for _ in 0..=self.next(3) {
            let at = self.next(bytes.len());
            match self.next(4) {
                0 if !bytes.is_empty() => bytes[at] = self.next(256) as u8,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, b"\"{}[]:,0-"[self.next(9)]),
                _ => {
                    let end = (at + self.next(20)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
        bytes
    }
}

#[test]
fn damaged_configuration_files() {
    let valid = br#"{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"},"r.example:5000":{"identitytoken":"x"}},"credHelpers":{"h":"n"},"credsStore":"s"}"#;
    Credentials::parse("c", std::str::from_utf8(valid).unwrap()).unwrap();
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    for _ in 0..20_000 {
        let _ = Credentials::parse("c", &String::from_utf8_lossy(&random.damage(valid)));
    }
}

#[tokio::test]
async fn damaged_lists_links_and_challenges() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let image = ImageBuilder::new().build();
    registry.put("app", &image, "1");
    let note = BuiltImage::artifact(&image, "application/x", b"x");
    let list = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"m","digest":"{}","size":3,"platform":{{"os":"a","architecture":"b"}},"annotations":{{"k":"v"}}}}]}}"#,
        note.digest
    );
    let client = Client::new(ClientOptions { retries: 0, ..ClientOptions::default() }).unwrap();
    let subject = registry.reference("app").with_digest(image.digest());
    let mut random = Xorshift(0x2545_f491_4f6c_dd1d);
    for _ in 0..400 {
        registry.faults().referrers_body(Some(&random.damage(list.as_bytes())));
        let link = random.damage(b"</v2/app/referrers/x?last=1>; rel=\"next\"");
        let link: String = link.iter().filter(|b| (32..127).contains(*b)).map(|b| char::from(*b)).collect();
        registry.faults().link(Some(&link));
        let _ = client.referrers(&subject).await;
    }
    registry.faults().clear();
    for _ in 0..400 {
        registry.faults().serve_other_bytes(&image.digest(), random.damage(&image.manifest));
        let served = client.document(&subject).await;
        assert!(served.is_err() || served.unwrap().raw() == image.manifest);
    }
}
