//! `container-manifest-2`: the packages of images of Mariner and Azure Linux that have no rpm. A line a
//! package with ten fields between tabs: name, version and release, time of installation, time of
//! building, vendor, epoch, size, architecture, epoch as a number, source archive.

use cleanbill_image::Bytes;

use super::package::Identity;
use super::{Reading, WHAT};

const LIMIT: u64 = 32 << 20;
const FIELDS: usize = 10;

pub(super) fn read(bytes: &Bytes, reading: &mut Reading<'_>) {
    let text = match bytes.to_vec(LIMIT) {
        Ok(Some(text)) => text,
        Ok(None) => {
            let why = format!("more than {LIMIT} bytes");
            return reading.found.problem("file-too-large", reading.path, WHAT, why);
        }
        Err(error) => return reading.found.problem("file-unreadable", reading.path, WHAT, error.to_string()),
    };
    for (number, line) in String::from_utf8_lossy(&text).lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match identity(line) {
            Ok(identity) if identity.name == "gpg-pubkey" => {}
            Ok(_) if reading.is_full() => break,
            Ok(identity) => {
                let package = identity.package(reading.path);
                reading.found.package(package);
            }
            Err(why) => reading.problem("rpm-manifest", format!("line {} {why}", number + 1)),
        }
    }
}

fn identity(line: &str) -> Result<Identity, String> {
    let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
    if fields.len() < FIELDS {
        return Err(format!("has {} fields and not {FIELDS}", fields.len()));
    }
    let text = |at: usize| Some(fields[at]).filter(|f| *f != "(none)").unwrap_or_default().to_owned();
    let epoch = match text(5) {
        none if none.is_empty() => None,
        epoch => Some(epoch.parse().map_err(|_| format!("has the epoch `{}`", epoch.escape_debug()))?),
    };
    let identity = Identity {
        name: text(0),
        version: text(1),
        epoch,
        architecture: text(7),
        source: text(9),
        module: String::new(),
    };
    match &identity {
        i if i.name.is_empty() => Err("names no package".to_owned()),
        i if i.version.is_empty() => Err("has no version".to_owned()),
        _ => Ok(identity),
    }
}
