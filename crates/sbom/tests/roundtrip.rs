//! Reading what was written gives the very same SBOM, and writing it twice the very same bytes.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use cleanbill_model::{
    CatalogerId, Digest, Distro, DistroState, ImageIdentity, LayerInfo, Location, Package, Platform, Problem, Purl,
    Sbom, SourcePackage, Subject, Timestamp,
};
use cleanbill_sbom::{cyclonedx, purls};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn digest() -> impl Strategy<Value = Digest> {
    any::<u64>().prop_map(|n| Digest::sha256(n.to_be_bytes()))
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z0-9.+~-]{1,8}", "[ -~éß\n\"\\\\]{0,12}", ".{0,6}"]
}

fn package() -> impl Strategy<Value = Package> {
    let purl = ("(deb|npm|maven|golang)", "[a-z.]{0,6}", "[a-zA-Z@é%]{1,8}", "[0-9a-z:+~]{0,6}", "[a-z]{0,4}")
        .prop_map(|(kind, namespace, name, version, arch)| {
            Purl::new(&kind, &namespace, &name, &version).with("arch", &arch)
        });
    let source = option::of((text(), text()).prop_map(|(name, version)| SourcePackage { name, version }));
    let location = (text(), option::of(digest())).prop_map(|(path, layer)| Location { path, layer });
    let licenses = vec(prop_oneof![Just("MIT".to_owned()), Just("GPL-2.0-only".to_owned()), text()], 0..3);
    (purl, text(), text(), source, licenses, vec(location, 0..12), option::of(cataloger())).prop_map(
        |(purl, name, version, source, licenses, locations, cataloger)| Package {
            purl,
            name,
            version,
            source,
            licenses,
            locations,
            owner: None,
            cataloger,
        },
    )
}

fn cataloger() -> impl Strategy<Value = CatalogerId> {
    ("[a-z@-]{1,6}", any::<u32>()).prop_map(|(id, version)| CatalogerId { id, version })
}

fn distro() -> impl Strategy<Value = Distro> {
    let state =
        prop_oneof![Just(DistroState::Confirmed), Just(DistroState::None), text().prop_map(DistroState::Unknown)];
    (text(), text(), text(), text(), state).prop_map(|(id, version, codename, pretty_name, state)| Distro {
        id,
        version,
        codename,
        pretty_name,
        state,
    })
}

fn sbom() -> impl Strategy<Value = Sbom> {
    let platform = option::of("linux/(amd64|arm64|arm/v7)".prop_map(|t| Platform::parse(&t).unwrap()));
    let identity = (option::of(digest()), digest(), digest(), platform)
        .prop_map(|(index, manifest, config, platform)| ImageIdentity { index, manifest, config, platform });
    let subject = (text(), option::of(identity)).prop_map(|(name, identity)| Subject { name, identity });
    let problem = (text(), text(), option::of(digest()), text(), text())
        .prop_map(|(code, path, layer, what, why)| Problem { code, path, layer, what, why });
    let layer = (digest(), option::of(digest()), any::<u64>()).prop_map(|(digest, diff_id, size)| LayerInfo {
        digest,
        diff_id,
        size,
    });
    let parts =
        (subject, distro(), vec(package(), 0..6), vec(problem, 0..12), vec(cataloger(), 0..4), vec(layer, 0..4));
    parts.prop_map(|(subject, distro, packages, problems, catalogers, layers)| Sbom {
        subject,
        distro,
        packages,
        problems,
        catalogers,
        layers,
    })
}

proptest! {
    #[test]
    fn reading_what_was_written_loses_nothing(sbom in sbom(), second in option::of(0i64..4_000_000_000)) {
        let timestamp = second.map(|s| Timestamp::from_second(s).unwrap());
        let bytes = cyclonedx::write(&sbom, timestamp);
        let again = cyclonedx::read(&bytes).unwrap();
        prop_assert_eq!(&again, &sbom);
        prop_assert_eq!(cyclonedx::write(&again, timestamp), bytes);
    }

    #[test]
    fn references_inside_the_document_are_unique(sbom in sbom()) {
        let mut sbom = sbom;
        // The same package again and at another place: the hard cases.
        let twice: Vec<_> = sbom.packages.clone();
        sbom.packages.extend(twice.iter().cloned().map(|p| Package { locations: vec![], ..p }));
        sbom.packages.extend(twice);
        let document: serde_json::Value = serde_json::from_slice(&cyclonedx::write(&sbom, None)).unwrap();
        let mut refs = vec![document["metadata"]["component"]["bom-ref"].clone()];
        refs.extend(document["components"].as_array().unwrap().iter().map(|c| c["bom-ref"].clone()));
        let unique: BTreeSet<_> = refs.iter().map(|r| r.as_str().unwrap()).collect();
        prop_assert_eq!(unique.len(), refs.len());
    }
}

fn small() -> Sbom {
    let package = |purl: Purl, name: &str| Package {
        version: purl.version.clone().unwrap(),
        purl,
        name: name.to_owned(),
        source: None,
        licenses: vec![],
        locations: vec![],
        owner: None,
        cataloger: None,
    };
    Sbom {
        subject: Subject { name: "x".to_owned(), identity: None },
        distro: Distro::default(),
        packages: vec![
            package(Purl::new("npm", "@a", "b", "2"), "@a/b"),
            package(Purl::new("golang", "example.org", "m", "v1"), "example.org/m"),
            package(Purl::new("npm", "@a", "b", "2"), "@a/b"),
        ],
        problems: vec![],
        catalogers: vec![],
        layers: vec![],
    }
}

#[test]
fn the_serial_number_follows_the_content_and_not_the_time() {
    let serial = |sbom: &Sbom, timestamp| {
        let value: serde_json::Value = serde_json::from_slice(&cyclonedx::write(sbom, timestamp)).unwrap();
        value["serialNumber"].as_str().unwrap().to_owned()
    };
    let one = serial(&small(), None);
    assert_eq!(one, serial(&small(), Some(Timestamp::UNIX_EPOCH)));
    let other = Sbom { packages: vec![], ..small() };
    assert_ne!(one, serial(&other, None));
    let digits = one.strip_prefix("urn:uuid:").unwrap();
    assert_eq!(digits.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    assert_eq!(&digits[14..15], "8");
    assert!("89ab".contains(&digits[19..20]));
}

#[test]
fn a_timestamp_is_written_only_where_one_is_given() {
    let bytes = |t| String::from_utf8(cyclonedx::write(&small(), t)).unwrap();
    assert!(bytes(Some(Timestamp::UNIX_EPOCH)).contains("\"timestamp\":\"1970-01-01T00:00:00Z\""));
    assert!(!bytes(None).contains("\"timestamp\""));
}

#[test]
fn package_urls_come_sorted_and_once() {
    let list = String::from_utf8(purls::write(&small(), None)).unwrap();
    assert_eq!(list, "pkg:golang/example.org/m@v1\npkg:npm/%40a/b@2\n");
}

#[test]
fn every_format_has_a_word_of_its_own_and_writes() {
    let words: BTreeSet<_> = cleanbill_sbom::ALL.iter().map(|f| f.id).collect();
    assert_eq!(words.into_iter().collect::<Vec<_>>(), ["cyclonedx-json", "purls"]);
    assert!(cleanbill_sbom::ALL.iter().all(|f| !(f.write)(&small(), None).is_empty()));
}
