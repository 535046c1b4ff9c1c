//! Real cosign and we read what the other writes: both forms, signatures with annotations and
//! attestations, on a registry with the referrers API and on one without.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;

use cleanbill_testkit::components::Component;
use cleanbill_testkit::components::cosign::cosign;
use cleanbill_testkit::components::harness::{self, real_test};
use cleanbill_testkit::components::registry::{Distribution, Olareg};
use cleanbill_testkit::{BuiltImage, ImageBuilder, Layer};
use support::{expect, key_pair, push, text};

fn main() -> std::process::ExitCode {
    use Component::{Cosign, Distribution as Fallback, Olareg as Referrers};
    harness::main(vec![
        real_test("both_forms_both_ways_with_referrers", &[Cosign, Referrers], || {
            both_ways(Olareg::start().unwrap().host());
            Ok(())
        }),
        real_test("both_forms_both_ways_with_the_fallback_tag", &[Cosign, Fallback], || {
            both_ways(Distribution::start().unwrap().host());
            Ok(())
        }),
    ])
}

fn publish(reference: &str, marker: &str) -> String {
    let image: BuiltImage =
        ImageBuilder::new().platform("linux/amd64").layer(Layer::new().file("marker", marker.as_bytes())).build();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let digest = runtime.block_on(push(reference, &image));
    format!("{}@{digest}", reference.rsplit_once(':').unwrap().0)
}

#[track_caller]
fn theirs(home: &Path, success: bool, args: &[&str]) {
    let output = cosign("").unwrap().run(home, args).unwrap();
    assert_eq!(output.status.success(), success, "cosign {}: {}", args.join(" "), text(&output.stderr));
}

fn both_ways(host: &str) {
    const LOG: [&str; 2] = ["--tlog-upload=false", "--use-signing-config=false"];
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    key_pair(home, "cosign");
    key_pair(home, "other");
    std::fs::write(home.join("predicate.json"), "{\"a\":1}").unwrap();
    let attested = ["--predicate", "predicate.json", "--type", "custom"];
    for (name, form) in [("new", "--new-bundle-format=true"), ("old", "--new-bundle-format=false")] {
        // Ours, read by cosign.
        let ours = publish(&format!("{host}/ours/{name}:1"), name);
        expect(home, 0, &["sign", "--key", "cosign.key", form, "-a", "who=ci", &ours]);
        let read = ["--insecure-ignore-tlog", form, &ours];
        theirs(home, true, &[&["verify", "--key", "cosign.pub", "-a", "who=ci"], &read[..]].concat());
        theirs(home, false, &[&["verify", "--key", "cosign.pub", "-a", "who=me"], &read[..]].concat());
        theirs(home, false, &[&["verify", "--key", "other.pub"], &read[..]].concat());
        expect(home, 0, &[&["attest", "--key", "cosign.key", form], &attested[..], &[&ours]].concat());
        let read = ["--insecure-ignore-tlog", "--type", "custom", &ours];
        theirs(home, true, &[&["verify-attestation", "--key", "cosign.pub"], &read[..]].concat());
        theirs(home, false, &[&["verify-attestation", "--key", "other.pub"], &read[..]].concat());

        // cosign's, read by us.
        let made = publish(&format!("{host}/theirs/{name}:1"), &format!("{name} of theirs"));
        let key = ["--yes", "--key", "cosign.key", form];
        theirs(home, true, &[&["sign"], &key[..], &LOG[..], &["-a", "who=ci", &made]].concat());
        expect(home, 0, &["verify", "--key", "cosign.pub", "-a", "who=ci", &made]);
        expect(home, 1, &["verify", "--key", "cosign.pub", "-a", "who=me", &made]);
        expect(home, 1, &["verify", "--key", "other.pub", &made]);
        theirs(home, true, &[&["attest"], &key[..], &LOG[..], &attested[..], &[&made]].concat());
        expect(home, 0, &["verify-attestation", "--key", "cosign.pub", "--type", "custom", &made]);
        expect(home, 1, &["verify-attestation", "--key", "cosign.pub", "--type", "openvex", &made]);
        expect(home, 1, &["verify-attestation", "--key", "other.pub", "--type", "custom", &made]);

        // A copy of ours is to cosign what the original is.
        let copy = format!("{host}/copies/{name}:1");
        expect(home, 0, &["copy", &ours, &copy]);
        theirs(home, true, &["verify", "--key", "cosign.pub", "--insecure-ignore-tlog", form, &copy]);
    }
}
