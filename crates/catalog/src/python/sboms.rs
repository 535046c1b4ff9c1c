//! # python-sboms
//!
//! Reads bills of materials that Python distributions bring along (PEP 770), in
//! `*.dist-info/sboms/*.json`: what was compiled or copied into them, crates and system libraries, and
//! left no other trace. What they list is added to what else is found; nothing is replaced. The distribution
//! itself is known by its own metadata: neither it nor a part of it (`pkg:pypi/x@1#c-ext/x._speed`) is listed
//! again.
//!
//! CycloneDX and SPDX are read. A component is listed with its package URL, at the path of the bill. Libraries
//! that the build copied from a distribution (`pkg:rpm/almalinux/libjpeg@…`) are not packages of this
//! image's distribution, whose advisories speak of other files: they are listed as
//! `pkg:generic/libjpeg@…?…` and match nothing by mistake.
//!
//! Problems: `sbom-unread` for a bill that cannot be read, `sbom-component` for a component of it.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Location, Package, Problem, comparable_name};

use crate::cataloger::{Cataloger, Evidence, Found, Want};

/// The cataloger.
pub(crate) static PYTHON_SBOMS: Cataloger = Cataloger {
    id: "python-sboms",
    version: 2,
    kind: Kind::Installed,
    wants: &[Want::Path(Pattern::Glob("**/*.dist-info/sboms/*.json"))],
    read,
};

const WHAT: &str = "read the bill of materials of the Python distribution";
/// Bills of large programs have a megabyte.
const LIMIT: u64 = 64 << 20;

fn read(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    let Some(bytes) = evidence.whole(LIMIT, WHAT, found) else { return };
    let sbom = match cleanbill_sbom::read(&bytes) {
        Ok(sbom) => sbom,
        Err(error) => return found.problem("sbom-unread", path, WHAT, error.to_string()),
    };
    let at = Location { path: path.to_owned(), layer: None };
    let problems = sbom.problems.into_iter();
    found.problems.extend(problems.map(|problem| Problem { path: path.to_owned(), layer: None, ..problem }));
    let own = own_name(path);
    for mut package in sbom.packages {
        if package.purl.kind == "pypi" && own.as_deref() == Some(&*comparable_name("PyPI", &package.purl.name)) {
            continue;
        }
        if package.is_distribution() {
            let distro = package.purl.namespace.clone();
            package.purl =
                cleanbill_model::Purl { kind: "generic".to_owned(), namespace: String::new(), ..package.purl };
            if !package.purl.qualifiers.contains_key("distro") {
                package.purl = package.purl.with("distro", &distro);
            }
            package.source = None;
        }
        found.package(Package { locations: vec![at.clone()], owner: None, cataloger: None, ..package });
    }
}

/// The distribution that a bill belongs to: `…/NAME-VERSION.dist-info/sboms/x.json`.
fn own_name(path: &str) -> Option<String> {
    let folder = path.rsplit('/').nth(2)?.strip_suffix(".dist-info")?;
    let (name, _) = folder.split_once('-')?;
    Some(comparable_name("PyPI", name).into_owned())
}
