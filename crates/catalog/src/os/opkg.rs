//! # opkg
//!
//! Reads what is installed from the database of opkg (OpenWrt, Yocto): `usr/lib/opkg/status` or
//! `var/lib/opkg/status`, paragraphs like those of dpkg. The third word of `Status` says whether a
//! package is on disk: everything but `not-installed` and `config-files` is. Which files it owns stands
//! in `info/NAME.list` beside it.
//!
//! A package is `pkg:opkg/NAMESPACE/NAME@VERSION?arch=…&distro=…`. Problems: `opkg-stanza` for a
//! paragraph that cannot be understood.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Package, Purl};

use super::paragraphs::Paragraphs;
use crate::cataloger::{Cataloger, Evidence, Found, Want};

/// The cataloger.
pub(crate) static OPKG: Cataloger = Cataloger {
    id: "opkg",
    version: 1,
    kind: Kind::Installed,
    wants: &[
        Want::Path(Pattern::Path("usr/lib/opkg/status")),
        Want::Path(Pattern::Path("var/lib/opkg/status")),
        Want::Path(Pattern::Glob("usr/lib/opkg/info/*.list")),
        Want::Path(Pattern::Glob("var/lib/opkg/info/*.list")),
    ],
    read,
};

const LIMIT: u64 = 64 << 20;
const WHAT: &str = "read the package database";

fn read(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    let Some(bytes) = evidence.whole(LIMIT, WHAT, found) else { return };
    if let Some(package) = evidence.name().strip_suffix(".list") {
        let text = String::from_utf8_lossy(&bytes);
        // Yocto adds mode and link target after a tab.
        let first = |line: &str| line.split('\t').next().unwrap_or_default().trim_start_matches('/').to_owned();
        return found.owns(package, text.lines().map(first).filter(|p| !p.is_empty()).collect());
    }
    for paragraph in Paragraphs::new(&bytes, &["package", "version", "architecture", "status"]) {
        if super::is_full(found, path) {
            break;
        }
        let paragraph = match paragraph {
            Ok(paragraph) => paragraph,
            Err(line) => {
                found.problem("opkg-stanza", path, WHAT, format!("line {line} has no colon"));
                continue;
            }
        };
        let state = paragraph.stated("status").map(|s| s.split_whitespace().nth(2).unwrap_or_default());
        if matches!(state, Some("not-installed" | "config-files")) {
            continue;
        }
        let (name, version) = (paragraph.get("package"), paragraph.get("version"));
        let lack = match state {
            _ if name.is_empty() => Some("has no Package"),
            _ if version.is_empty() => Some("has no Version"),
            None => Some("has no Status"),
            Some(_) if paragraph.repeated => Some("states a field twice"),
            Some(_) => None,
        };
        if let Some(lack) = lack {
            found.problem("opkg-stanza", path, WHAT, format!("the paragraph at line {} {lack}", paragraph.line));
        }
        if !name.is_empty() && !version.is_empty() {
            let purl = Purl::new("opkg", "", name, version).with("arch", paragraph.get("architecture"));
            found.owner(name, &purl);
            found.package(Package::found(purl, name, version, path));
        }
    }
}
