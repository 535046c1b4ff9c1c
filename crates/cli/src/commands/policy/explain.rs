//! `cleanbill policy explain`: what would be asked of an image, in words.

use std::path::PathBuf;
use std::time::SystemTime;

use cleanbill_model::Reference;
use cleanbill_policy::{Day, PolicySet};

use crate::{Outcome, output};

pub(super) fn run(
    paths: &[PathBuf],
    image: Option<&str>,
    resource: Option<&PathBuf>,
    namespace: &str,
) -> anyhow::Result<Outcome> {
    let policies = super::readable(PolicySet::load(&super::files(paths)?))?.on(Day::of(SystemTime::now()));
    let requests = match (image, resource) {
        (Some(image), _) => vec![super::pod_of(image, namespace)],
        (None, Some(file)) => super::resources(file, namespace)?,
        (None, None) => Vec::new(),
    };
    let mut text = String::new();
    for request in &requests {
        for field in &request.images {
            let reference = Reference::parse(&field.image)
                .map_err(|e| anyhow::anyhow!("image {:?} at {} cannot be read: {e}", field.image, field.pointer))?;
            text.push_str(&format!("{reference} in a {} of namespace {}\n", request.kind, request.namespace));
            text.push_str(&policies.explain(request, &reference));
        }
        if request.images.is_empty() {
            text.push_str(&format!("{} {}/{} names no image\n", request.kind, request.namespace, request.name));
        }
    }
    output::data(cleanbill_report::terminal::clean_lines(&text).into_owned())?;
    Ok(Outcome::Done)
}
