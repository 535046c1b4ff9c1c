//! # pear
//!
//! Reads what PEAR and PECL installed: one file `.registry/**/NAME.reg` a package, a value as PHP
//! serialises it (PEAR's `PEAR_Registry`, packages of version 1 and 2). Of it the name, the version
//! (`version.release`, or a text) and the licence are read. The channel is the namespace of newer
//! files: `pecl.php.net`, `pear.php.net`.
//!
//! A package is `pkg:pear/CHANNEL/NAME@VERSION`. No feed of advisories speaks of them. Problems:
//! `pear-package` for a file that is no such value or says neither name nor version.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Package, Purl};

use super::serialized::{Value, parse};
use crate::cataloger::{Cataloger, Evidence, Found, Want};

/// The cataloger.
pub(crate) static PEAR: Cataloger = Cataloger {
    id: "pear",
    version: 1,
    kind: Kind::Installed,
    wants: &[Want::Path(Pattern::Glob("**/.registry/**/*.reg"))],
    read,
};

const WHAT: &str = "read the package of PEAR";
const LIMIT: u64 = 16 << 20;

fn read(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    let Some(bytes) = evidence.whole(LIMIT, WHAT, found) else { return };
    let value = match parse(&bytes) {
        Ok(value) => value,
        Err(why) => return found.problem("pear-package", path, WHAT, why),
    };
    let text = |keys: &[&str]| value.at(keys).and_then(Value::text).filter(|text| !text.is_empty());
    let name = text(&["name"]).or(text(&["package"]));
    let version = text(&["version", "release"]).or(text(&["version"]));
    let (Some(name), Some(version)) = (name, version) else {
        return found.problem("pear-package", path, WHAT, "it says no name or no version");
    };
    let purl = Purl::new("pear", text(&["channel"]).unwrap_or_default(), name, version);
    let license = text(&["license", "_content"]).or(text(&["license"])).or(text(&["release_license"]));
    found.package(Package::found(purl, name, version, path)).licenses =
        license.map(str::to_owned).into_iter().collect();
}
