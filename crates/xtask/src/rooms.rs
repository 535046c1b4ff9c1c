//! The table of rooms in ARCHITECTURE.md, and the direction of dependencies it states. Document and
//! check cannot drift apart: the check reads the document.

use crate::cargo::Member;
use crate::finding::Complaint;
use std::collections::BTreeMap;

const PREFIX: &str = "cleanbill-";
const TABLE: &str = "ARCHITECTURE.md";
/// The room that reads bytes with every other one. No room uses it, so it costs none a build.
const FUZZ: &str = "fuzz";

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Room {
    /// The folder's name.
    pub(crate) name: String,
    /// `None` for what serves development only.
    pub(crate) level: Option<u32>,
    /// Without async and network.
    pub(crate) pure: bool,
}

/// Reads the lines `| level | `room` | kind | … |`.
pub(crate) fn table(document: &str) -> Result<Vec<Room>, String> {
    let mut rooms = Vec::new();
    for line in document.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [level, room, kind, ..] = cells.as_slice() else { continue };
        let Some(name) = room.strip_prefix('`').and_then(|room| room.strip_suffix('`')) else { continue };
        let level = match *level {
            "–" => None,
            number => {
                Some(number.parse().map_err(|_| format!("{TABLE}: the level of {name} is not a number: {number}"))?)
            }
        };
        if !matches!(*kind, "pure" | "–" | "dev") || (*kind == "dev") != level.is_none() {
            return Err(format!("{TABLE}: the kind of {name} is not one of pure, – and (without level) dev: {kind}"));
        }
        rooms.push(Room { name: name.to_owned(), level, pure: *kind == "pure" });
    }
    if rooms.is_empty() { Err(format!("{TABLE}: the table of rooms is not there")) } else { Ok(rooms) }
}

/// Whether every crate has its line and uses only crates of earlier levels.
pub(crate) fn direction(rooms: &[Room], members: &[Member]) -> Vec<Complaint> {
    let levels: BTreeMap<&str, Option<u32>> = rooms.iter().map(|room| (room.name.as_str(), room.level)).collect();
    let mut found = Vec::new();
    for room in rooms {
        if !members.iter().any(|member| room_of(&member.name) == Some(&room.name)) {
            found.push(Complaint::new(TABLE, format!("room `{}` does not exist", room.name), "remove its line"));
        }
    }
    for member in members {
        let Some(name) = room_of(&member.name) else {
            found.push(Complaint::new(&member.name, "is not named cleanbill-NAME", "rename the package"));
            continue;
        };
        let file = format!("crates/{name}/Cargo.toml");
        let Some(level) = levels.get(name) else {
            found.push(Complaint::new(TABLE, format!("room `{name}` has no line"), "add it to the table of rooms"));
            continue;
        };
        for used in &member.dependencies {
            let Some(other) = room_of(&used.name) else { continue };
            let development = used.kind.as_deref() == Some("dev");
            if let Some(why) = forbidden(name, *level, other, levels.get(other).copied().flatten(), development) {
                let hint = "a room uses rooms of an earlier level; testkit only under [dev-dependencies]";
                found.push(Complaint::new(&file, format!("{name} uses {other}: {why}"), hint));
            }
        }
    }
    found
}

/// Why the room `name` of `level` may not use `other`, if so.
fn forbidden(
    name: &str,
    level: Option<u32>,
    other: &str,
    other_level: Option<u32>,
    development: bool,
) -> Option<String> {
    match (level, other_level) {
        (_, None) if other == "testkit" && development => None,
        (_, None) => Some("it serves development only".to_owned()),
        (None, Some(_)) if name == FUZZ => None,
        // Or every change above level 1 would build the tests of all rooms again.
        (None, Some(theirs)) if theirs > 1 => Some(format!("level {theirs}; development rooms use level 1 alone")),
        (None, Some(_)) => None,
        (Some(mine), Some(theirs)) if theirs >= mine => Some(format!("level {theirs} is not before level {mine}")),
        (Some(_), Some(_)) => None,
    }
}

fn room_of(package: &str) -> Option<&str> {
    package.strip_prefix(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::Declared;
    use crate::finding::summary;

    const DOCUMENT: &str = "
| level | room | kind | what |
|---|---|---|---|
| 1 | `model` | pure | words |
| 2 | `image` | pure | layers |
| 2 | `sbom` | pure | formats |
| 3 | `oci` | – | network |
| – | `testkit` | dev | tests |

| question | file |
|---|---|
| where | `crates/model/src` |
";

    fn member(name: &str, uses: &[(&str, &str)]) -> Member {
        let dependencies = uses
            .iter()
            .map(|(name, kind)| Declared {
                name: (*name).to_owned(),
                kind: (!kind.is_empty()).then(|| (*kind).to_owned()),
            })
            .collect();
        Member { name: format!("cleanbill-{name}"), dependencies }
    }

    /// The complaints when `changed` stands in the place of a member that is in order.
    fn check(changed: Member, expect: &[&str]) {
        let rooms = table(DOCUMENT).unwrap();
        let mut members: Vec<Member> =
            ["model", "image", "sbom", "oci", "testkit"].iter().map(|name| member(name, &[])).collect();
        members.retain(|member| member.name != changed.name);
        members.push(changed);
        assert_eq!(summary(&direction(&rooms, &members)), expect);
    }

    #[test]
    fn the_table_is_read() {
        let rooms = table(DOCUMENT).unwrap();
        assert_eq!(rooms.len(), 5);
        assert_eq!(rooms[3], Room { name: "oci".into(), level: Some(3), pure: false });
        assert_eq!(rooms[4].level, None);
    }

    #[test]
    fn a_document_without_table_or_with_a_bad_line_is_refused() {
        assert!(table("# The house\n").is_err());
        assert!(table("| one | `model` | pure | x |").is_err());
        assert!(table("| 1 | `model` | dev | x |").is_err());
        assert!(table("| 1 | `model` | nice | x |").is_err());
    }

    #[test]
    fn earlier_levels_may_be_used() {
        check(member("oci", &[("cleanbill-model", ""), ("cleanbill-image", ""), ("serde", "")]), &[]);
    }

    #[test]
    fn the_same_and_later_levels_may_not() {
        check(
            member("image", &[("cleanbill-sbom", ""), ("cleanbill-oci", "dev")]),
            &[
                "crates/image/Cargo.toml: image uses sbom: level 2 is not before level 2",
                "crates/image/Cargo.toml: image uses oci: level 3 is not before level 2",
            ],
        );
    }

    #[test]
    fn testkit_is_for_tests() {
        check(member("image", &[("cleanbill-testkit", "dev")]), &[]);
        check(
            member("image", &[("cleanbill-testkit", "")]),
            &["crates/image/Cargo.toml: image uses testkit: it serves development only"],
        );
    }

    #[test]
    fn testkit_uses_level_one_alone() {
        check(member("testkit", &[("cleanbill-model", "")]), &[]);
        check(
            member("testkit", &[("cleanbill-image", "")]),
            &["crates/testkit/Cargo.toml: testkit uses image: level 2; development rooms use level 1 alone"],
        );
    }

    #[test]
    fn fuzz_uses_every_level_and_nobody_uses_it() {
        let rooms = table(&format!("{DOCUMENT}| – | `fuzz` | dev | targets |\n")).unwrap();
        let found = |changed: Member| {
            let mut members: Vec<Member> =
                ["model", "image", "sbom", "oci", "testkit", "fuzz"].iter().map(|name| member(name, &[])).collect();
            members.retain(|member| member.name != changed.name);
            members.push(changed);
            summary(&direction(&rooms, &members))
        };
        let uses = [("cleanbill-oci", ""), ("cleanbill-image", ""), ("cleanbill-testkit", "dev")];
        assert_eq!(found(member("fuzz", &uses)), [] as [&str; 0]);
        assert_eq!(
            found(member("oci", &[("cleanbill-fuzz", "dev")])),
            ["crates/oci/Cargo.toml: oci uses fuzz: it serves development only"]
        );
    }

    #[test]
    fn table_and_workspace_have_the_same_rooms() {
        let rooms = table("| 1 | `model` | pure | x |\n| 2 | `gone` | pure | x |").unwrap();
        let found = direction(&rooms, &[member("model", &[]), member("new", &[])]);
        assert_eq!(
            summary(&found),
            ["ARCHITECTURE.md: room `gone` does not exist", "ARCHITECTURE.md: room `new` has no line"]
        );
    }
}
