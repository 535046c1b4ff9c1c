//! Why a vulnerability is a finding of an image, or why it is none: every record about it beside every
//! package it speaks of.

use cleanbill_advisory::{Database, DatabaseError};
use cleanbill_model::{Package, Sbom};
use cleanbill_version::Scheme;

use crate::keys::{keys, version};
use crate::range::hit_by_keys;

/// One record beside one package.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The package.
    pub package: Package,
    /// Feed and id of the record.
    pub record: String,
    /// Whether the record holds the package's version.
    pub affected: bool,
    /// Why, in one sentence.
    pub why: String,
}

/// Everything the database says of `id` (an id or alias) about the packages of an SBOM. Empty if no
/// record speaks of any; then either nothing is known of `id` or the image holds none of it.
pub fn explain(sbom: &Sbom, database: &Database, id: &str) -> Result<Vec<Explanation>, DatabaseError> {
    let records = database.by_id(id)?;
    let mut found = Vec::new();
    for package in &sbom.packages {
        let keys = keys(package, &sbom.distro);
        for record in &records {
            let named = |ecosystem: &str, name: &str| {
                keys.iter().any(|(e, n)| e == ecosystem && *n == cleanbill_model::comparable_name(e, name))
            };
            let Some(affected) = record.affected.iter().find(|a| named(&a.ecosystem, &a.name)) else { continue };
            let compared = version(package);
            let hit = hit_by_keys(record, package, &keys);
            let valid = Scheme::for_ecosystem(&affected.ecosystem).is_some_and(|s| s.is_valid(compared));
            let why = match (&hit, record.withdrawn) {
                (_, Some(at)) => format!("the record was withdrawn on {}", at.strftime("%F")),
                (Some((hit, _)), None) => {
                    let fixed = match hit.fixed.as_slice() {
                        [] => "no fix is known".to_owned(),
                        fixed => format!("fixed in {}", fixed.join(", ")),
                    };
                    format!(
                        "version {compared} is in the range {}; {fixed}; looked up by {}",
                        hit.range, hit.matched_by
                    )
                }
                (None, None) if !valid => format!("its version `{compared}` cannot be compared"),
                (None, None) => {
                    let fixes = affected.ranges.iter().flat_map(|r| &r.events).filter_map(|event| match event {
                        cleanbill_model::Event::Fixed(v) => Some(v.as_str()),
                        _ => None,
                    });
                    match fixes.collect::<Vec<_>>().as_slice() {
                        [] => format!("version {compared} is not in what the record calls affected"),
                        fixes => format!(
                            "version {compared} is not affected; the record names fixes in {}",
                            fixes.join(", ")
                        ),
                    }
                }
            };
            found.push(Explanation {
                package: package.clone(),
                record: format!("{} {}", record.feed, record.id),
                affected: hit.is_some(),
                why,
            });
        }
    }
    Ok(found)
}
