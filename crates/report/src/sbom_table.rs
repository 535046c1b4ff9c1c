//! # table (of an SBOM)
//!
//! What is aboard, for people: one sentence, then a line a package with name, version, type and where it
//! comes from: the distribution package that owns it, else the file that proves it. Lines keep to the
//! width they are told; a name or version is never cut, what does not fit of the origin is cut at its front,
//! where paths are alike.

use cleanbill_model::{DistroState, Package, Sbom};

use crate::lines::{counted, length, pad, wrap};
use crate::terminal::clean;

/// The narrowest table that makes sense.
const NARROWEST: usize = 40;
/// What the origin has at least; a path that does not fit into that goes to a line of its own.
const ORIGIN: usize = 12;

/// The cells of one line; of the origin, whether it is a path, which may be cut at its front.
struct Row {
    cells: [String; 3],
    origin: String,
    is_path: bool,
}

/// The table, in lines of at most `width` characters (where names and versions leave that much).
pub fn write(sbom: &Sbom, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut out = String::new();
    for line in summary(sbom) {
        wrap(&mut out, &line, width);
    }
    if sbom.packages.is_empty() {
        return out;
    }
    out.push('\n');
    let rows: Vec<Row> = sbom.packages.iter().map(row).collect();
    let widest = |i: usize| rows.iter().map(|r| length(&r.cells[i])).max().unwrap_or(0);
    let kind = widest(2).max(length("type"));
    // A few long names and versions do not move all lines.
    let version = widest(1).min(width / 4).max(length("version"));
    let left = width.saturating_sub(version + kind + 6 + ORIGIN);
    let name = widest(0).min(left.max(width * 2 / 5)).max(length("package"));
    let heading =
        Row { cells: ["package", "version", "type"].map(str::to_owned), origin: "origin".to_owned(), is_path: false };
    for row in std::iter::once(&heading).chain(&rows) {
        line(&mut out, row, [name, version, kind], width);
    }
    out
}

fn summary(sbom: &Sbom) -> Vec<String> {
    let distro = match &sbom.distro.state {
        DistroState::Confirmed => format!("{} {}", sbom.distro.id, sbom.distro.version).trim().to_owned(),
        DistroState::None => "no distribution".to_owned(),
        DistroState::Unknown(why) => format!("unknown distribution: {why}"),
    };
    let packages = counted(sbom.packages.len(), "package");
    let mut lines = vec![format!("{}: {packages}, {}", clean(&sbom.subject.name), clean(&distro))];
    if !sbom.problems.is_empty() {
        let problems = counted(sbom.problems.len(), "thing");
        lines.push(format!("{problems} could not be read; what is in there is missing here."));
    }
    lines
}

fn row(package: &Package) -> Row {
    let (origin, is_path) = match (&package.owner, package.locations.first()) {
        (Some(owner), _) => (format!("owned by {}", clean(&owner.name)), false),
        // The database of a distribution is the same for all its packages; the source is not.
        (None, _) if package.source.as_ref().is_some_and(|s| s.name != package.name) => {
            (format!("from {}", clean(package.source.as_ref().map_or("", |s| &s.name))), false)
        }
        (None, Some(place)) if !package.is_distribution() => (clean(&place.path).into_owned(), true),
        _ => (String::new(), false),
    };
    let cells = [&package.name, &package.version, &package.purl.kind].map(|t| clean(t).into_owned());
    Row { cells, origin, is_path }
}

/// One line; with a long name or version several.
fn line(out: &mut String, row: &Row, [name, version, kind]: [usize; 3], width: usize) {
    let mut line = pad(&row.cells[0], name);
    let mut used = 0;
    for (cell, room) in [(&row.cells[1], version), (&row.cells[2], kind)] {
        // Where a long one before took the room of this one, the columns behind move; past the width there
        // is another line.
        if length(&line) + 2 + length(cell) > width {
            out.push_str(line.trim_end());
            out.push('\n');
            line = pad("", name);
        }
        line = format!("{line}  {}", pad(cell, room));
        used = length(line.trim_end());
    }
    let origin = &row.origin;
    if !origin.is_empty() {
        let at = length(&line) + 2;
        let room = width.saturating_sub(at);
        if length(origin) <= room || (room >= ORIGIN && row.is_path) {
            line = format!("{line}  {}", cut_front(origin, room));
        } else {
            out.push_str(line.trim_end());
            out.push('\n');
            line = format!(
                "    {}",
                if row.is_path { cut_front(origin, width.saturating_sub(4)) } else { origin.clone() }
            );
        }
        used = length(&line);
    }
    if used > 0 {
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn cut_front(text: &str, width: usize) -> String {
    let count = length(text);
    if count <= width {
        return text.to_owned();
    }
    let tail: String = text.chars().skip(count - width.saturating_sub(1)).collect();
    format!("…{tail}")
}
