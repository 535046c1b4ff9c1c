//! Reading what was written gives the very same SBOM, and writing it twice the very same bytes.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use cleanbill_model::{
    CatalogerId, Digest, Distro, DistroState, ImageIdentity, LayerInfo, Location, Package, Platform, Problem, Purl,
    Sbom, SourcePackage, Subject, Timestamp,
};
use cleanbill_sbom::{Format, cyclonedx, purls, spdx};
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
    let licenses = vec(prop_oneof!["MIT|GPL-2\\.0-only", "MIT OR (ISC|Zlib)", "GPL-2\\+|Public domain", text()], 0..3);
    let owner = option::of(("(deb|rpm|apk)", "[a-z+.-]{1,8}", "[0-9a-z:+~]{0,6}"));
    let owner = owner.prop_map(|o| o.map(|(kind, name, version)| Purl::new(&kind, "debian", &name, &version)));
    (purl, text(), text(), source, licenses, vec(location, 0..12), owner, option::of(cataloger())).prop_map(
        |(purl, name, version, source, licenses, locations, owner, cataloger)| Package {
            purl,
            name,
            version,
            source,
            licenses,
            locations,
            owner,
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
    // Each case is written and read in every format.
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn reading_what_was_written_loses_nothing(sbom in sbom(), second in option::of(0i64..4_000_000_000)) {
        let timestamp = second.map(|s| Timestamp::from_second(s).unwrap());
        for format in whole() {
            let bytes = (format.write)(&sbom, timestamp);
            let again = cleanbill_sbom::read(&bytes).unwrap();
            prop_assert_eq!(&again, &sbom, "{}", format.id);
            prop_assert_eq!((format.write)(&again, timestamp), bytes);
        }
    }

    #[test]
    fn a_list_of_package_urls_gives_the_package_urls(sbom in sbom()) {
        let list = purls::write(&sbom, None);
        prop_assume!(!list.is_empty());
        let again = cleanbill_sbom::read(&list).unwrap();
        prop_assert_eq!(&again.problems, &vec![]);
        prop_assert_eq!(purls::write(&again, None), list);
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
        let document: serde_json::Value = serde_json::from_slice(&spdx::write(&sbom, None)).unwrap();
        let ids: Vec<_> = document["packages"].as_array().unwrap().iter().map(|p| p["SPDXID"].as_str().unwrap()).collect();
        let unique: BTreeSet<_> = ids.iter().collect();
        prop_assert_eq!(unique.len(), ids.len());
        for relation in document["relationships"].as_array().unwrap() {
            let (from, to) = (relation["spdxElementId"].as_str().unwrap(), relation["relatedSpdxElement"].as_str().unwrap());
            prop_assert!(ids.contains(&to) && (from == "SPDXRef-DOCUMENT" || ids.contains(&from)), "{from} {to}");
        }
    }
}

/// The formats that carry everything, each version once.
fn whole() -> impl Iterator<Item = &'static Format> {
    cleanbill_sbom::ALL.iter().filter(|f| f.id.contains('@'))
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
    let words: Vec<_> = cleanbill_sbom::ALL.iter().map(|f| f.id).collect();
    assert_eq!(
        words,
        [
            "cyclonedx-json",
            "cyclonedx-json@1.4",
            "cyclonedx-json@1.5",
            "cyclonedx-json@1.6",
            "spdx-json",
            "spdx-json@2.3",
            "purls"
        ]
    );
    for format in &cleanbill_sbom::ALL {
        let text = String::from_utf8((format.write)(&small(), None)).unwrap();
        // What the word and the media type say is what the document says of itself.
        if let Some((_, version)) = format.id.split_once('@') {
            assert!(format.media_type.ends_with(version), "{}", format.id);
            assert!(
                text.contains(&format!("\"{version}\"")) || text.contains(&format!("\"SPDX-{version}\"")),
                "{text}"
            );
        } else {
            assert!(!text.is_empty());
        }
    }
    let of = |id: &str| cleanbill_sbom::ALL.iter().find(|f| f.id == id).unwrap().write;
    assert_eq!(of("cyclonedx-json")(&small(), None), of("cyclonedx-json@1.6")(&small(), None));
}

#[test]
fn tools_stand_where_each_version_has_them() {
    let tools = |id: &str| {
        let format = cleanbill_sbom::ALL.iter().find(|f| f.id == id).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&(format.write)(&small(), None)).unwrap();
        value["metadata"]["tools"].clone()
    };
    assert_eq!(tools("cyclonedx-json@1.4")[0]["name"], "cleanbill");
    assert_eq!(tools("cyclonedx-json@1.5")["components"][0]["name"], "cleanbill");
    assert_eq!(tools("cyclonedx-json@1.6")["components"][0]["name"], "cleanbill");
}

#[test]
fn licences_stand_as_ids_expressions_or_names() {
    let document = |licenses: &[&str]| {
        let mut sbom = small();
        sbom.packages.truncate(1);
        sbom.packages[0].licenses = licenses.iter().map(|t| (*t).to_owned()).collect();
        let cyclonedx: serde_json::Value = serde_json::from_slice(&cyclonedx::write(&sbom, None)).unwrap();
        let spdx: serde_json::Value = serde_json::from_slice(&spdx::write(&sbom, None)).unwrap();
        (cyclonedx["components"][0]["licenses"].clone(), spdx)
    };
    let (cyclonedx, spdx) = document(&["MIT OR Zlib"]);
    assert_eq!(cyclonedx, serde_json::json!([{"expression": "MIT OR Zlib"}]));
    assert_eq!(spdx["packages"][1]["licenseDeclared"], "MIT OR Zlib");
    let (cyclonedx, spdx) = document(&["MIT", "GPL-2+"]);
    assert_eq!(cyclonedx, serde_json::json!([{"license": {"id": "MIT"}}, {"license": {"name": "GPL-2+"}}]));
    let reference = spdx["hasExtractedLicensingInfos"][0]["licenseId"].as_str().unwrap();
    assert_eq!(spdx["hasExtractedLicensingInfos"][0]["extractedText"], "GPL-2+");
    assert_eq!(spdx["packages"][1]["licenseDeclared"], format!("MIT AND {reference}"));
}

#[test]
fn an_spdx_document_has_a_time_and_a_name_of_its_content() {
    let value = |sbom: &Sbom, t| -> serde_json::Value { serde_json::from_slice(&spdx::write(sbom, t)).unwrap() };
    let (one, two) = (value(&small(), None), value(&small(), Timestamp::from_second(86_400).ok()));
    assert_eq!(one["creationInfo"]["created"], "1970-01-01T00:00:00Z");
    assert_eq!(two["creationInfo"]["created"], "1970-01-02T00:00:00Z");
    assert_eq!(one["documentNamespace"], two["documentNamespace"]);
    let other = Sbom { packages: vec![], ..small() };
    assert_ne!(one["documentNamespace"], value(&other, None)["documentNamespace"]);
}

#[test]
fn an_owner_contains_what_it_owns() {
    let mut sbom = small();
    let owner = Purl::new("deb", "debian", "node-b", "2");
    sbom.packages[0].owner = Some(owner.clone());
    sbom.packages.push(Package { purl: owner, owner: None, ..sbom.packages[1].clone() });
    let value: serde_json::Value = serde_json::from_slice(&spdx::write(&sbom, None)).unwrap();
    let id = |n: usize| value["packages"][n]["SPDXID"].clone();
    let relation =
        serde_json::json!({"spdxElementId": id(4), "relationshipType": "CONTAINS", "relatedSpdxElement": id(1)});
    assert!(value["relationships"].as_array().unwrap().contains(&relation), "{}", value["relationships"]);
}
