//! What verifying costs: a key-signed image on a local registry beside cosign 3 in the same run, and
//! bundles in memory on one core: `./dev bench`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod measured;
#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Instant;

use cleanbill_image::Document;
use cleanbill_model::{DigestKind, Reference, Timestamp};
use cleanbill_testkit::components::registry::Olareg;
use cleanbill_testkit::components::{Component, find};
use cleanbill_testkit::{ImageBuilder, Layer};
use cleanbill_trust::{Collected, Demands, PrivateKey, judge, sign};
use measured::{Marks, by_turns};
use support::{cleanbill, client, expect, key_pair, push};

const BUNDLES: usize = 2000;

fn main() {
    let mut marks = Marks::default();
    match Olareg::start() {
        Ok(registry) => {
            beside_cosign(registry.host(), &mut marks);
            offline(registry.host(), &mut marks);
        }
        Err(why) => println!("left out: {why}"),
    }
    marks.end();
}

fn publish(host: &str, name: &str) -> String {
    let image = ImageBuilder::new().platform("linux/amd64").layer(Layer::new().file("name", name.as_bytes())).build();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    format!("{host}/{name}@{}", runtime.block_on(push(&format!("{host}/{name}:1"), &image)))
}

fn beside_cosign(host: &str, marks: &mut Marks) {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    key_pair(home, "cosign");
    let cosign = match find(Component::Cosign) {
        Ok(cosign) => cosign,
        Err(why) => return println!("left out: {why}"),
    };
    for (form, what) in [("--new-bundle-format=true", "a bundle as referrer"), ("--new-bundle-format=false", "a tag")] {
        println!("\nverify a key-signed image on a local registry, the signature is {what}");
        let image = publish(host, if form.ends_with("true") { "bundle" } else { "tag" });
        expect(home, 0, &["sign", "--key", "cosign.key", form, &image]);
        let ours = || {
            let mut command = cleanbill(home);
            command.args(["verify", "--key", "cosign.pub", &image]);
            command
        };
        let theirs = || {
            let mut command = Command::new(&cosign);
            command.current_dir(home).env("HOME", home).env("DOCKER_CONFIG", home);
            command.args(["verify", "--key", "cosign.pub", "--insecure-ignore-tlog", form, &image]);
            command
        };
        let (ours, theirs) = by_turns(ours, theirs);
        ours.show("cleanbill verify");
        theirs.show("cosign verify");
        marks.at_most("time / cosign", ours.wall / theirs.wall, "", 1.0 / 3.0);
        marks.at_most("memory / cosign", ours.megabytes / theirs.megabytes, "", 1.0 / 3.0);
    }
}

/// The bundle that signs the image, as it lies on the registry.
async fn bundle(image: &Reference, key: &PrivateKey) -> Vec<u8> {
    let client = client();
    let signed = sign(&client, image, key, &BTreeMap::new(), Timestamp::now()).await.unwrap();
    let at = image.with_digest(signed.manifest);
    let Document::Manifest(manifest) = client.document(&at).await.unwrap() else { panic!("an index") };
    client.blob(&at, &manifest.layers[0].digest, 1 << 20).await.unwrap()
}

fn offline(host: &str, marks: &mut Marks) {
    println!("\n{BUNDLES} key-signed bundles verified in memory, one core");
    // One thread makes them and verifies them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let key = PrivateKey::generate().unwrap();
    let image = Reference::parse(&publish(host, "offline")).unwrap();
    let digest = image.digest().unwrap().clone();
    let bundle = runtime.block_on(bundle(&image, &key));
    let collected = Collected::of_bundles(digest, DigestKind::Manifest, vec![bundle]);
    let key = key.public();
    let start = Instant::now();
    let mut verified = 0;
    for _ in 0..BUNDLES {
        let evidence = judge(&collected, std::slice::from_ref(&key), Demands::default());
        verified += evidence.signatures.iter().filter(|record| !record.verified_by.is_empty()).count();
    }
    let took = start.elapsed().as_secs_f64();
    assert_eq!(verified, BUNDLES);
    marks.at_most("all of them", took, " s", 1.0);
}
