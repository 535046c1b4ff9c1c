//! Damaged inputs of every reader: whatever comes, it ends without panic, and the database gives no record
//! that was not put in.
#![allow(clippy::unwrap_used)]

use cleanbill_advisory::{Database, Import, base_score, import};
use cleanbill_model::Advisory;

/// Deterministic numbers (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    fn mutate(&mut self, valid: &[u8]) -> Vec<u8> {
        let mut bytes = valid.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(5) {
                0 => bytes.truncate(at),
                1 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                2 if !bytes.is_empty() => drop(bytes.remove(at)),
                3 => bytes.insert(at, b"{}[]\",:0\xff<"[self.below(10)]),
                _ => {
                    let end = (at + self.below(40)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    bytes.splice(at..at, copy);
                }
            }
        }
        bytes
    }
}

const OSV: &str = r#"[{"id":"X-1","aliases":["CVE-2024-1"],"modified":"2024-01-01T00:00:00Z","withdrawn":"2024-01-01T00:00:00Z",
"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"Go",
"name":"m"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.3"}]}],"versions":["1.0.0"]}]}]"#;
const TRACKER: &str = r#"{"openssl":{"CVE-2024-1":{"description":"x","releases":{"bookworm":{"status":"open","urgency":"low",
"nodsa":"x","nodsa_reason":"ignored"},"sid":{"status":"resolved","fixed_version":"1-2"}}}}}"#;

/// One short example of each of the other forms.
const OTHERS: &[&str] = &[
    "```toml\n[advisory]\nid = \"RUSTSEC-2024-0001\"\npackage = \"c\"\ndate = \"2024-01-31\"\n[versions]\npatched = [\">= 1.2, < 2\", \"^3\"]\nunaffected = [\"> 4.0.0\"]\n```\n# Title\n",
    "gem: rack\ncve: 2024-0001\ntitle: t\ndate: 2024-01-31\ncvss_v3: 7.5\nunaffected_versions:\n- \"< 1.2\"\npatched_versions:\n- \"~> 2.0.9\"\n- \">= 3\"\n",
    "title: t\ncve: ~\nbranches:\n  1.x:\n    time: 2024-01-31\n    versions: ['>=1.0,<1.2', '<2.0-beta']\nreference: composer://v/p\n",
    "package:\n  name: v\nadvisories:\n- id: CGA-1\n  aliases: [CVE-2024-0001]\n  events:\n  - timestamp: 2024-01-31T00:00:00Z\n    type: fixed\n    data:\n      fixed-version: 1.2-r0\n",
    "id: PYSEC-2024-1\nmodified: 2024-01-02T00:00:00Z\naffected:\n- package: {name: p, ecosystem: PyPI}\n  ranges:\n  - type: ECOSYSTEM\n    events:\n    - introduced: \"0\"\n  versions: [1.0, 1.1]\n",
    "#model_version:v1,score_date:2024-01-31T00:00:00+0000\ncve,epss,percentile\nCVE-2024-0001,0.1,0.2\nCVE-2024-0002,0.00001,1.0\n",
    r#"{"catalogVersion":"1","dateReleased":"2024-01-02T15:00:00Z","count":1,"vulnerabilities":[{"cveID":"CVE-2024-0001","dateAdded":"2024-01-02","dueDate":"2024-01-23"}]}"#,
    r#"{"1":{"cve":["CVE-2024-0001"],"vulnerable":"8.x || >=6.0.0 <6.2.0","patched":"^8.1.4","severity":"high"}}"#,
    r#"{"j":{"npmname":"jquery","vulnerabilities":[{"below":"3.5.0","excludes":["1.0"],"identifiers":{"CVE":["CVE-2024-0001"]}}],"extractors":{}}}"#,
    r#"{"distroversion":"v3.20","reponame":"main","packages":[{"pkg":{"name":"p","secfixes":{"1-r0":["CVE-2024-0001 (x)"],"0":["CVE_2024-0002"]}}}]}"#,
    "{\"cleanbill_export\":1,\"as_of\":{}}\n{\"id\":\"A\",\"affected\":[],\"database_specific\":{\"cleanbill\":{\"feed\":\"x\"}}}\n{\"cleanbill_known_exploited\":{\"CVE-2024-0001\":{\"added\":\"2024-01-02\"}}}\n{\"cleanbill_exploit_prediction\":{\"CVE-2024-0001\":[1,2]}}\n",
];

#[test]
fn damaged_feeds_of_other_forms_end_so_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed");
    let mut random = Random(11);
    for valid in OTHERS {
        std::fs::write(&path, valid).unwrap();
        assert_eq!(import(std::slice::from_ref(&path)).unwrap().problems, [], "{valid}");
        for _ in 0..150 {
            std::fs::write(&path, random.mutate(valid.as_bytes())).unwrap();
            let import = import(std::slice::from_ref(&path)).unwrap();
            assert!(import.problems.len() + import.files as usize > 0, "never silent");
            let database = Database::from_bytes(Database::compile(&import, None)).unwrap();
            cleanbill_advisory::export(&database, std::io::sink()).unwrap();
        }
    }
}

#[test]
fn damaged_feeds_end_in_records_and_problems() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed");
    let gzip = {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(OSV.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(OSV.len() as u64);
    archive.append_data(&mut header, "x.json", OSV.as_bytes()).unwrap();
    let archive = archive.into_inner().unwrap();
    let lines = OSV.replace('\n', "");
    let lines = format!("{0}\n{0}", &lines[1..lines.len() - 1]);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for valid in [OSV.as_bytes(), TRACKER.as_bytes(), lines.as_bytes(), &gzip, &archive] {
        for _ in 0..100 {
            std::fs::write(&path, random.mutate(valid)).unwrap();
            let import = import(std::slice::from_ref(&path)).unwrap();
            assert!(import.advisories.len() + import.problems.len() + import.files as usize > 0, "never silent");
            Database::from_bytes(Database::compile(&import, None)).unwrap();
        }
    }
}

#[test]
fn a_damaged_database_gives_errors_or_what_was_put_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed");
    std::fs::write(&path, OSV).unwrap();
    let good = import(&[path]).unwrap();
    let bytes = Database::compile(&good, None);
    let read = |bytes: Vec<u8>| -> Option<Vec<Advisory>> {
        let database = Database::from_bytes(bytes).ok()?;
        Some(database.all().ok()?.iter().map(|a| a.as_ref().clone()).collect())
    };
    let mut random = Random(7);
    for _ in 0..1500 {
        let damaged = random.mutate(&bytes);
        let same = damaged == bytes;
        let found = read(damaged);
        assert!(found.is_none() || same || found.as_ref() == Some(&good.advisories));
    }
    let _: &Import = &good;
}

#[test]
fn damaged_vectors_have_a_score_within_bounds_or_none() {
    let mut random = Random(3);
    for valid in ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", "AV:N/AC:L/Au:N/C:C/I:C/A:C"] {
        for _ in 0..3000 {
            let text = String::from_utf8_lossy(&random.mutate(valid.as_bytes())).into_owned();
            assert!(base_score(&text).is_none_or(|s| (0.0..=10.0).contains(&s)), "{text}");
        }
    }
}
