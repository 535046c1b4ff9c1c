//! `up --demo`: one made-up cluster with three images, to look around without a cluster of one's own.
//!
//! The images are built in memory from the files under `demo/`, and go the way of any other: layers
//! → packages → SBOM → ingest. Everything shown is marked as a demo.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cleanbill_hub::Hub;
use cleanbill_image::{Blobs, Config, Descriptor, Document, Image, ImageError};
use cleanbill_model::{
    AdmissionAnswer, AdmissionRecord, Attempt, Budget, Cluster, Container, ContainerKind, ContainerState, Decision,
    Digest, ImageField, ImageFieldKind, ImageIdentity, Operation, Platform, Pod, Reason, ReasonCode, Reference,
    RuntimeImageId, Timestamp, Verdict, Workload,
};
use cleanbill_protocol::{Batch, ImageOutcome, ImageReport, Ingest};
use serde_json::json;

const OS_RELEASE: &str = include_str!("../demo/os-release");
const LOG4J_POM: &str = "artifactId=log4j-core\ngroupId=org.apache.logging.log4j\nversion=2.14.1\n";
const ADVISORIES: &[(&str, &str)] = &[
    ("CVE-2021-44228.json", include_str!("../demo/advisories/CVE-2021-44228.json")),
    ("debian-demo.json", include_str!("../demo/advisories/debian-demo.json")),
];

/// What runs: image, namespace, workload, pods.
const WORKLOADS: &[(&str, &str, &str, &[&str])] = &[
    ("shop/cart:1.4", "shop", "cart", &["cart-6d8f7c-8xk2p", "cart-6d8f7c-h4v9q", "cart-6d8f7c-zt7mw"]),
    ("pay/ledger:2.0", "pay", "ledger", &["ledger-5b9c4d-2qjrl", "ledger-5b9c4d-9wnfx"]),
    ("web/front:7", "web", "front", &["front-7f66bd-k5d8s", "front-7f66bd-vv2cz"]),
];

/// The files of each image.
fn files(name: &str) -> anyhow::Result<Vec<(&'static str, Vec<u8>)>> {
    let mut files = vec![("etc/os-release", OS_RELEASE.as_bytes().to_vec())];
    match name {
        "shop/cart:1.4" => {
            files.push(("var/lib/dpkg/status", include_bytes!("../demo/cart/status").to_vec()));
            files.push(("opt/cart/lib/log4j-core-2.14.1.jar", log4j_jar()?));
        }
        "pay/ledger:2.0" => files.push(("var/lib/dpkg/status", include_bytes!("../demo/ledger/status").to_vec())),
        _ => files.push(("var/lib/dpkg/status", include_bytes!("../demo/front/status").to_vec())),
    }
    Ok(files)
}

/// A jar that says it is log4j-core 2.14.1 and holds no code.
fn log4j_jar() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
    let (mut entry, config) = archive
        .new_file("META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties")
        .compression_method(rawzip::CompressionMethod::STORE)
        .start()?;
    let mut writer = config.wrap(&mut entry);
    writer.write_all(LOG4J_POM.as_bytes())?;
    let (_, descriptor) = writer.finish()?;
    entry.finish(descriptor)?;
    archive.finish()?;
    Ok(bytes)
}

/// An image in memory.
struct DemoImage {
    image: Image,
    layer: Vec<u8>,
}

impl Blobs for DemoImage {
    fn open<'a>(&'a self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + 'a>, ImageError> {
        if descriptor.digest == self.image.manifest.layers[0].digest {
            Ok(Box::new(&self.layer[..]))
        } else {
            Err(ImageError::Source { what: descriptor.digest.to_string(), why: "not part of the demo".to_owned() })
        }
    }
}

impl DemoImage {
    fn build(name: &str) -> anyhow::Result<Self> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, bytes) in files(name)? {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, &bytes[..])?;
        }
        let layer = tar.into_inner()?;
        let digest = Digest::sha256(&layer);
        let config = json!({
            "os": "linux", "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": [digest.to_string()]},
        })
        .to_string();
        let config = Config::parse(config.into_bytes())?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                       "digest": config.digest.to_string(), "size": config.raw.len()},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar",
                        "digest": digest.to_string(), "size": layer.len()}],
        })
        .to_string();
        let Document::Manifest(manifest) = Document::parse(manifest.into_bytes(), None)? else {
            anyhow::bail!("the demo's manifest is an index");
        };
        let identity = ImageIdentity {
            index: None,
            manifest: manifest.digest.clone(),
            config: config.digest.clone(),
            platform: config.platform.clone(),
        };
        Ok(Self { image: Image { name: reference(name), identity, manifest, config }, layer })
    }
}

fn reference(name: &str) -> String {
    format!("registry.demo.example/{name}")
}

/// Writes the demo's advisories into the data directory and says where.
pub(crate) fn advisories(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let folder = data_dir.join("demo-advisories");
    std::fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    for (name, text) in ADVISORIES {
        let file = folder.join(name);
        std::fs::write(&file, text).with_context(|| format!("could not write {}", file.display()))?;
    }
    Ok(folder)
}

/// What the made-up webhook answered: a cart that is signed, a ledger that nobody signed, and a registry
/// that did not answer.
pub(crate) fn admissions(hub: &Hub, now: Timestamp) -> anyhow::Result<()> {
    let told = [
        ("shop/cart:1.4", "shop", Decision::Admit, 3 * 3600),
        ("pay/ledger:2.0", "pay", Decision::Refuse, 40 * 60),
        ("web/front:7", "web", Decision::Undecided, 5 * 60),
    ];
    for (image, namespace, decision, ago) in told {
        let name = reference(image);
        let digest = DemoImage::build(image)?.image.identity.manifest;
        let at = now.checked_sub(jiff::SignedDuration::from_secs(ago)).unwrap_or(now);
        hub.note_admission(admission(&name, digest, namespace, decision, at)?);
    }
    Ok(())
}

fn admission(
    name: &str,
    digest: Digest,
    namespace: &str,
    decision: Decision,
    at: Timestamp,
) -> anyhow::Result<AdmissionRecord> {
    let pinned = format!("{}@{digest}", name.rsplit_once(':').map_or(name, |(name, _)| name));
    let key = "with key 4f1c0d2ab6e7";
    let attempt = |what: &str, outcome: &str| Attempt { what: what.to_owned(), outcome: outcome.to_owned() };
    let (code, message, hint, attempts) = match decision {
        Decision::Admit => (
            ReasonCode::Signed,
            format!("{pinned} is signed as the rule asks"),
            String::new(),
            vec![attempt(&format!("a bundle (referrers) {key}"), "signed by key 4f1c0d2ab6e7")],
        ),
        Decision::Refuse => (
            ReasonCode::OtherKey,
            format!("{pinned} is signed by another key than the rule asks for"),
            format!("sign it: cleanbill sign --key KEY {pinned}"),
            vec![attempt(&format!("a bundle (referrers) {key}"), "signed by another key")],
        ),
        Decision::Undecided => (
            ReasonCode::Deadline,
            format!("whether {name} is signed could not be found out: registry.demo.example did not answer in 9.5 s"),
            "try again, and look why the registry is slow".to_owned(),
            Vec::new(),
        ),
    };
    let verdict = Verdict {
        image: Reference::parse(name)?,
        digest: Some(digest).filter(|_| decision != Decision::Undecided),
        decision,
        reasons: vec![Reason {
            code,
            policy: "signed-by-the-pipeline".to_owned(),
            rule: "everything".to_owned(),
            message: message.clone(),
            hint,
            attempts,
        }],
        warnings: Vec::new(),
    };
    let allowed = decision == Decision::Admit;
    Ok(AdmissionRecord {
        at,
        phase: "mutate",
        failure_policy: "Fail",
        audit: false,
        operation: Operation::Create,
        kind: "Pod".to_owned(),
        namespace: namespace.to_owned(),
        name: String::new(),
        user: "system:serviceaccount:kube-system:replicaset-controller".to_owned(),
        images: vec![ImageField {
            pointer: "/spec/containers/0/image".to_owned(),
            kind: ImageFieldKind::Container,
            container: "main".to_owned(),
            image: name.to_owned(),
        }],
        answer: AdmissionAnswer {
            uid: "demo".to_owned(),
            allowed,
            message: if allowed { String::new() } else { message },
            code: match decision {
                Decision::Admit => 200,
                Decision::Refuse => 403,
                Decision::Undecided => 500,
            },
            warnings: Vec::new(),
            patches: Vec::new(),
            audit_annotations: BTreeMap::new(),
            verdicts: vec![verdict],
        },
    })
}

/// Tells the hub of the made-up cluster, and looks into the images that it asks for.
pub(crate) async fn feed(hub: &dyn Ingest, epoch: u64) -> anyhow::Result<()> {
    let images: BTreeMap<&str, DemoImage> =
        WORKLOADS.iter().map(|(name, ..)| Ok((*name, DemoImage::build(name)?))).collect::<anyhow::Result<_>>()?;
    let pods = WORKLOADS.iter().flat_map(|(image, namespace, workload, pods)| {
        let digest = images[image].image.identity.manifest.clone();
        pods.iter().map(move |name| Pod {
            uid: format!("demo-{name}"),
            namespace: (*namespace).to_owned(),
            name: (*name).to_owned(),
            workload: Workload { kind: "Deployment".to_owned(), name: (*workload).to_owned() },
            node: "demo-node".to_owned(),
            platform: Some(Platform::new("linux", "amd64")),
            containers: vec![Container {
                name: "main".to_owned(),
                kind: ContainerKind::Main,
                image: reference(image),
                image_id: RuntimeImageId::parse(&format!(
                    "{}@{digest}",
                    reference(image).rsplit_once(':').map_or("", |(name, _)| name)
                )),
                state: ContainerState::Running,
            }],
        })
    });
    let batch = Batch {
        cluster: Cluster { uid: "demo".to_owned(), name: "demo".to_owned() },
        epoch,
        seq: 1,
        full: true,
        pods: pods.collect(),
        gone: Vec::new(),
    };
    let ack = hub.batch(batch).await?;
    let by_digest: HashMap<&Digest, &DemoImage> = images.values().map(|i| (&i.image.identity.manifest, i)).collect();
    for wanted in ack.wanted {
        let Some(found) = by_digest.get(&wanted.digest) else { continue };
        let sbom = cleanbill_catalog::inventory(&found.image, *found, &Budget::default())?;
        let outcome = ImageOutcome::Ready {
            identity: found.image.identity.clone(),
            sbom: cleanbill_sbom::cyclonedx::write(&sbom, None),
        };
        hub.image(ImageReport { wanted, outcome }).await?;
    }
    Ok(())
}
