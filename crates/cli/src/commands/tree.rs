//! `cleanbill tree REF`: an image, its platforms, and everything attached to them, in both forms.
//! Nothing is verified here: what things say of themselves is shown as such.

use anyhow::Context as _;
use cleanbill_image::Document;
use cleanbill_model::{Digest, Reference};
use cleanbill_trust::Attached;
use serde_json::{Value, json};

use crate::args::{Common, Format, Tree};
use crate::{Outcome, credentials, output};

const DEPTH: usize = 8;

pub(crate) async fn run(args: &Tree, common: &Common) -> anyhow::Result<Outcome> {
    let image = Reference::parse(&args.image)?;
    let client = credentials::client(common)?;
    let _busy = output::busy(format!("looking at what is attached to {image}"));
    let mut documents = cleanbill_trust::documents(&client, &image).await?;
    documents.reverse();
    let mut all = Vec::new();
    for document in documents {
        let attached = cleanbill_trust::attached(&client, &image, document.digest()).await?;
        all.push((document, attached));
    }
    if args.output == Format::Json {
        let documents: Vec<_> = all
            .iter()
            .map(|(document, attached)| {
                json!({
                    "digest": document.digest().to_string(),
                    "media_type": document.media_type(),
                    "attached": attached.iter().map(as_json).collect::<Vec<_>>(),
                })
            })
            .collect();
        let document = json!({"schema": "cleanbill/tree/v1", "image": image.to_string(), "manifests": documents});
        output::data(serde_json::to_string_pretty(&document).context("could not write JSON")? + "\n")?;
        return Ok(Outcome::Done);
    }
    let mut text = format!("{image}\n");
    for (document, attached) in &all {
        let kind = match document {
            Document::Index(_) => "index",
            Document::Manifest(_) => "manifest",
        };
        text.push_str(&format!("{} ({kind})\n", document.digest()));
        under(document.digest(), attached, 1, &mut text);
        if attached.is_empty() {
            text.push_str("  nothing is attached\n");
        }
    }
    output::data(cleanbill_report::terminal::clean_lines(&text).as_bytes())?;
    Ok(Outcome::Done)
}

fn under(subject: &Digest, attached: &[Attached], depth: usize, text: &mut String) {
    for found in attached.iter().filter(|a| a.subject == *subject && depth < DEPTH) {
        text.push_str(&format!(
            "{}{} {} ({})\n",
            "  ".repeat(depth),
            found.document.digest(),
            kind(&found.document),
            found.found_by
        ));
        if let (Document::Manifest(manifest), Some(_)) = (&found.document, &found.tag) {
            for layer in &manifest.layers {
                let said = layer.annotations.get("predicateType").map(|t| format!(", said to be {t}"));
                text.push_str(&format!(
                    "{}{} {}, {} bytes{}\n",
                    "  ".repeat(depth + 1),
                    layer.digest,
                    layer.media_type,
                    layer.size,
                    said.unwrap_or_default()
                ));
            }
        }
        under(found.document.digest(), attached, depth + 1, text);
    }
}

/// What it says that it is.
fn kind(document: &Document) -> String {
    let Document::Manifest(manifest) = document else { return "index".to_owned() };
    let kind = manifest.artifact_type.as_deref().unwrap_or(&manifest.config.media_type);
    match manifest.annotations.get("dev.sigstore.bundle.predicateType") {
        Some(predicate) => format!("{kind}, said to be {predicate}"),
        None => kind.to_owned(),
    }
}

fn as_json(found: &Attached) -> Value {
    let (layers, artifact_type, annotations) = match &found.document {
        Document::Manifest(m) => (m.layers.as_slice(), m.artifact_type.clone(), json!(m.annotations)),
        Document::Index(index) => (&[][..], None, json!(index.annotations)),
    };
    let layers: Vec<_> = layers
        .iter()
        .map(|l| json!({"digest": l.digest.to_string(), "media_type": l.media_type, "size": l.size, "annotations": l.annotations}))
        .collect();
    json!({
        "digest": found.document.digest().to_string(),
        "subject": found.subject.to_string(),
        "found_by": found.found_by,
        "tag": found.tag,
        "artifact_type": artifact_type,
        "annotations": annotations,
        "layers": layers,
    })
}
