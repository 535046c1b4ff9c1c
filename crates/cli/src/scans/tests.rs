//! What is looked into, what is not, and what no image can say about itself.

use cleanbill_advisory::Import;
use cleanbill_model::{Advisory, Affected, Event, FixState, RangeKind, Severity, VersionRange};
use cleanbill_oci::ClientOptions;
use cleanbill_testkit::{BuiltImage, ImageBuilder, Layer, Registry, RegistryOptions, debian_layer, log4j_core_jar};

use super::*;

fn record(id: &str, fixed: &str) -> Advisory {
    let events = vec![Event::Introduced("0".to_owned()), Event::Fixed(fixed.to_owned())];
    Advisory {
        id: id.to_owned(),
        aliases: vec![],
        upstream: vec![],
        feed: "osv".to_owned(),
        summary: String::new(),
        severity: Severity::Critical,
        cvss: vec![],
        published: None,
        modified: None,
        withdrawn: None,
        affected: vec![Affected {
            ecosystem: "Maven".to_owned(),
            name: "org.apache.logging.log4j:log4j-core".to_owned(),
            ranges: vec![VersionRange { kind: RangeKind::Ecosystem, events }],
            versions: vec![],
            fix_state: FixState::ByRange,
            severity: None,
        }],
    }
}

fn database(records: Vec<Advisory>, built: &str) -> Database {
    let import = Import { advisories: records, ..Import::default() };
    Database::from_bytes(Database::compile(&import, Some(built.parse().unwrap()))).unwrap()
}

struct Place {
    registry: Registry,
    looks: Looks,
}

async fn place(small_mib: u64) -> Place {
    let registry = Registry::start(RegistryOptions::default()).await;
    let client = Client::new(ClientOptions { retries: 0, ..ClientOptions::default() }).unwrap();
    let database = database(vec![record("CVE-2021-44228", "2.15.0")], "2026-01-01T00:00:00Z");
    Place { registry, looks: Looks::of_database(database, client, small_mib) }
}

impl Place {
    fn push(&self, layer: Layer) -> BuiltImage {
        let image = ImageBuilder::new().platform("linux/amd64").layer(layer).build();
        self.registry.put("app", &image, "1");
        image
    }

    async fn look(&self, image: &BuiltImage) -> Result<Scan, String> {
        let child = Child { digest: image.digest(), platform: None };
        let name = self.registry.reference("app:1").with_digest(image.digest());
        self.looks.scanned(&name, &child, Instant::now() + Duration::from_secs(60), true).await
    }
}

fn ids(scan: &Scan) -> Vec<(&str, bool)> {
    scan.findings.findings.iter().map(|f| (f.id.as_str(), f.suppressed.is_some())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_small_is_looked_into_once() {
    let place = place(SMALL).await;
    let image = place.push(Layer::new().file("app/log4j-core.jar", log4j_core_jar("2.14.1")));
    assert_eq!(ids(&place.look(&image).await.unwrap()), [("CVE-2021-44228", false)]);
    place.registry.forget_requests();
    assert_eq!(ids(&place.look(&image).await.unwrap()), [("CVE-2021-44228", false)]);
    assert!(place.registry.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_large_is_not_scanned_yet() {
    let place = place(0).await;
    let image = place.push(Layer::new().file("app/log4j-core.jar", log4j_core_jar("2.14.1")));
    let why = place.look(&image).await.unwrap_err();
    assert!(why.contains("more than the 0 MiB"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_does_not_answer_is_never_a_clean_image() {
    let place = place(SMALL).await;
    let image = place.push(Layer::new().file("app/log4j-core.jar", log4j_core_jar("2.14.1")));
    place.registry.faults().server_error(100);
    let why = place.look(&image).await.unwrap_err();
    assert!(why.contains("could not"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a61_a_list_of_files_that_the_image_brings_owns_nothing() {
    let place = place(SMALL).await;
    let forged = debian_layer(&[("app", "1.0", None)])
        .file("var/lib/dpkg/info/app.list", "/.\n/app\n/app/log4j-core.jar\n")
        .file("app/log4j-core.jar", log4j_core_jar("2.14.1"));
    let image = place.push(forged);
    assert!(ids(&place.look(&image).await.unwrap()).contains(&("CVE-2021-44228", false)));
}

#[test]
fn one_database_hides_nothing_of_another_and_the_oldest_says_the_age() {
    let sbom = Sbom {
        packages: vec![cleanbill_model::Package {
            purl: cleanbill_model::Purl::parse("pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1").unwrap(),
            name: "org.apache.logging.log4j:log4j-core".to_owned(),
            version: "2.14.1".to_owned(),
            source: None,
            licenses: vec![],
            locations: vec![],
            owner: None,
            cataloger: None,
        }],
        ..empty()
    };
    let first = database(vec![record("CVE-1", "2.15.0")], "2026-01-01T00:00:00Z");
    let second = database(vec![record("CVE-1", "2.15.0"), record("CVE-2", "3")], "2025-01-01T00:00:00Z");
    let (findings, info) = united(&sbom, &[first, second]).unwrap();
    let mut found: Vec<&str> = findings.findings.iter().map(|f| f.id.as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, ["CVE-1", "CVE-2"]);
    assert_eq!(info.built.unwrap().to_string(), "2025-01-01T00:00:00Z");
    assert!(united(&sbom, &[]).is_err());
}

fn empty() -> Sbom {
    Sbom {
        subject: cleanbill_model::Subject::default(),
        distro: cleanbill_model::Distro::default(),
        packages: vec![],
        problems: vec![],
        catalogers: vec![],
        layers: vec![],
    }
}
