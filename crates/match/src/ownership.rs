//! Language packages that a distribution installed.
//!
//! A distribution patches what it ships without changing the version that the language's own advisories
//! look at, so these findings are often wrong. They count as settled only if all of this holds:
//!
//! * a package of the distribution lists the file that proves the language package;
//! * both the file and the package database lie in layers of a base image that the operator named: a
//!   list written by the image's author owns nothing;
//! * the distribution's own record speaks of this very vulnerability and says that the installed
//!   version of the owner is fixed or not affected. Silence settles nothing.
//!
//! A settled finding stays in the report, suppressed, with its reason.

use std::collections::HashMap;

use cleanbill_advisory::{Database, DatabaseError, is_distribution_feed};
use cleanbill_model::{Digest, Finding, Package, Purl, Sbom, Suppression};

use crate::keys::{keys, version};
use crate::range::hit_by_keys;
use crate::sbom::{MatchOptions, records};

/// Whether the distribution has settled a finding, and how.
pub(crate) fn settled(
    finding: &Finding,
    owners: &HashMap<&Purl, &Package>,
    sbom: &Sbom,
    database: &Database,
    options: &MatchOptions,
) -> Result<Option<Suppression>, DatabaseError> {
    let Some(owner) = finding.package.owner.as_ref().and_then(|purl| owners.get(purl)) else { return Ok(None) };
    if !in_base(&finding.package, &options.base) || !in_base(owner, &options.base) {
        return Ok(None);
    }
    let keys = keys(owner, &sbom.distro);
    for record in records(&keys, database)? {
        let same = |name: &String| *name == finding.id || finding.aliases.contains(name);
        let about = std::iter::once(&record.id).chain(&record.aliases).any(same);
        if !about || !is_distribution_feed(&record.feed) || record.withdrawn.is_some() {
            continue;
        }
        let why = match hit_by_keys(&record, owner, &keys) {
            // The distribution says it is affected: the finding stands.
            Some(_) => return Ok(None),
            None => format!("{} says of {} {} that it is not affected", record.feed, owner.name, version(owner)),
        };
        return Ok(Some(Suppression { by: format!("the distribution's package {}", owner.name), why, until: None }));
    }
    Ok(None)
}

fn in_base(package: &Package, base: &[Digest]) -> bool {
    let known = |layer: &Option<Digest>| layer.as_ref().is_some_and(|layer| base.contains(layer));
    !package.locations.is_empty() && package.locations.iter().all(|l| known(&l.layer))
}
