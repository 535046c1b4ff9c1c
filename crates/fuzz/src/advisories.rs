//! What publishers of advisories give out, and the database that is made of it.
//!
//! Beside: an import is never silent, what it brought makes a database that is in order, and a database
//! whose checksums are right but whose content is not still ends in errors. For the last, checksums of changed
//! inputs are set right before they are read once more (the layout is in `crates/advisory/src/layout.rs`).

use std::io::Write as _;

use cleanbill_advisory::{Database, base_score, export, import};
use sha2::{Digest as _, Sha256};

use crate::build::{Tar, gzip};
use crate::mutate::{JSON, YAML};
use crate::{Target, text, texts};

pub(crate) fn targets() -> Vec<Target> {
    vec![
        Target::new("advisories-json", 500, JSON, json_seeds, run),
        Target::new("advisories-text", 500, YAML, text_seeds, run),
        Target::new("advisories-packed", 500, &["PK\x03\x04", "PK\x01\x02", "PK\x05\x06", "ustar"], packed_seeds, run),
        Target::new("database", 500, &[], || vec![whole()], database),
        Target::new("cvss", 40_000, CVSS_WORDS, cvss_seeds, |bytes| {
            if let Some(score) = base_score(&text(bytes)) {
                assert!((0.0..=10.0).contains(&score), "{score}");
            }
        }),
    ]
}

const CVSS_WORDS: &[&str] =
    &["/", ":", "AV:N", "CVSS:4.0", "CVSS:3.0", "/E:X", "/S:C", "/MAV:P", "/AC:H", "/AT:P", "/VC:N"];

fn cvss_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.0/AV:L/AC:H/PR:L/UI:R/S:C/C:L/I:N/A:N/E:P/RL:O/RC:C",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:A",
        "AV:N/AC:L/Au:N/C:P/I:P/A:P",
    ])
}

const OSV: &str = r#"{"id":"X-1","aliases":["CVE-2024-0001"],"related":["Y"],"modified":"2024-01-01T00:00:00Z","published":"2023-01-01T00:00:00.5Z",
"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"references":[{"type":"WEB","url":"x"}],
"affected":[{"package":{"ecosystem":"PyPI","name":"m","purl":"pkg:pypi/m"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},
{"fixed":"1.2.3"},{"introduced":"2"},{"last_affected":"2.5"}]},{"type":"GIT","repo":"r","events":[{"introduced":"0"}]}],"versions":["1.0.0","1!2.dev1"],
"database_specific":{"a":1}},{"package":{"ecosystem":"Debian:12","name":"d"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1:2-3"}]}]}]}"#;

fn json_seeds() -> Vec<Vec<u8>> {
    let lines = OSV.replace('\n', "");
    let mut seeds = texts(&[
        OSV,
        &format!("[{OSV},{OSV}]"),
        &format!("{lines}\n{lines}\n"),
        r#"{"openssl":{"CVE-2024-0001":{"description":"x","scope":"remote","releases":{"bookworm":{"status":"open","urgency":"low","nodsa":"x","nodsa_reason":"ignored","repositories":{"bookworm":"1"}},"sid":{"status":"resolved","fixed_version":"1-2","urgency":"not yet assigned"}}}}}"#,
        r#"{"distroversion":"v3.20","reponame":"main","packages":[{"pkg":{"name":"p","secfixes":{"1-r0":["CVE-2024-0001 (x)"],"0":["CVE_2024-0002"]}}}]}"#,
        r#"{"catalogVersion":"1","dateReleased":"2024-01-02T15:00:00Z","count":1,"vulnerabilities":[{"cveID":"CVE-2024-0001","dateAdded":"2024-01-02","dueDate":"2024-01-23","knownRansomwareCampaignUse":"Known"}]}"#,
        r#"{"1":{"cve":["CVE-2024-0001"],"vulnerable":"8.x || >=6.0.0 <6.2.0","patched":"^8.1.4","severity":"high"}}"#,
        r#"{"j":{"npmname":"jquery","vulnerabilities":[{"below":"3.5.0","atOrAbove":"1","excludes":["1.0"],"severity":"low","identifiers":{"CVE":["CVE-2024-0001"],"githubID":"GHSA-1"}}],"extractors":{}}}"#,
    ]);
    seeds.extend(texts(&[
        "{\"cleanbill_export\":1,\"as_of\":{}}\n{\"id\":\"A\",\"affected\":[],\"database_specific\":{\"cleanbill\":{\"feed\":\"x\"}}}\n{\"cleanbill_known_exploited\":{\"CVE-2024-0001\":{\"added\":\"2024-01-02\"}}}\n{\"cleanbill_exploit_prediction\":{\"CVE-2024-0001\":[1,2]}}\n",
    ]));
    seeds
}

fn text_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "```toml\n[advisory]\nid = \"RUSTSEC-2024-0001\"\npackage = \"c\"\ndate = \"2024-01-31\"\naliases = [\"CVE-2024-0001\"]\n[versions]\npatched = [\">= 1.2, < 2\", \"^3\"]\nunaffected = [\"> 4.0.0\"]\n```\n# Title\n\nText\n",
        "gem: rack\ncve: 2024-0001\nghsa: a-b-c\ntitle: t\ndate: 2024-01-31\ncvss_v3: 7.5\nunaffected_versions:\n- \"< 1.2\"\npatched_versions:\n- \"~> 2.0.9\"\n- \">= 3\"\n",
        "title: t\ncve: ~\nbranches:\n  1.x:\n    time: 2024-01-31\n    versions: ['>=1.0,<1.2', '<2.0-beta']\nreference: composer://v/p\n",
        "package:\n  name: v\nadvisories:\n- id: CGA-1\n  aliases: [CVE-2024-0001]\n  events:\n  - timestamp: 2024-01-31T00:00:00Z\n    type: fixed\n    data:\n      fixed-version: 1.2-r0\n",
        "id: PYSEC-2024-1\nmodified: 2024-01-02T00:00:00Z\naffected:\n- package: {name: p, ecosystem: PyPI}\n  ranges:\n  - type: ECOSYSTEM\n    events:\n    - introduced: \"0\"\n  versions: [1.0, 1.1]\n",
        "#model_version:v1,score_date:2024-01-31T00:00:00+0000\ncve,epss,percentile\nCVE-2024-0001,0.1,0.2\nCVE-2024-0002,0.00001,1.0\n",
        "<!DOCTYPE html><html><body>503</body></html>\n",
    ])
}

fn packed_seeds() -> Vec<Vec<u8>> {
    let tar = Tar::new().file("a/x.json", OSV).file(".git/x.json", "no").symlink("l", "a/x.json").finish();
    let zip = crate::fixture::zip(&[("x.json", OSV.as_bytes().to_vec()), ("y/z.json", b"{}".to_vec())], true);
    let zstd = zstd::encode_all(OSV.as_bytes(), 1).expect("in memory");
    vec![gzip(OSV.as_bytes()), gzip(&gzip(OSV.as_bytes())), zstd, tar.clone(), gzip(&tar), zip]
}

/// One feed, imported from a file.
fn read(bytes: &[u8]) -> cleanbill_advisory::Import {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).and_then(|()| file.flush()).expect("a temporary file");
    import(&[file.path().to_owned()]).expect("the file is there")
}

fn run(bytes: &[u8]) {
    let import = read(bytes);
    assert!(import.files as usize + import.problems.len() > 0, "an import that says nothing of a file");
    let database = Database::from_bytes(Database::compile(&import, None)).expect("our own database");
    let records = database.all().expect("our own database");
    for record in &records {
        assert!(database.by_id(&record.id).expect("our own database").contains(record), "{} is not found", record.id);
        for affected in &record.affected {
            let found = database.lookup(&affected.ecosystem, &affected.name).expect("our own database");
            assert!(found.contains(record), "{} is not found by {}", record.id, affected.name);
        }
    }
    let mut exported = Vec::new();
    export(&database, &mut exported).expect("to memory");
}

fn whole() -> Vec<u8> {
    let mut all: Vec<Vec<u8>> = json_seeds();
    all.extend(text_seeds());
    let folder = tempfile::tempdir().expect("a folder");
    for (number, bytes) in all.iter().enumerate() {
        std::fs::write(folder.path().join(number.to_string()), bytes).expect("a file");
    }
    Database::compile(&import(&[folder.path().to_owned()]).expect("the folder is there"), None)
}

fn database(bytes: &[u8]) {
    use_it(bytes.to_vec());
    if let Some(sealed) = sealed(bytes) {
        use_it(sealed);
    }
}

/// The same bytes with lengths and checksums that are right.
fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    const HEADER: usize = 88;
    const BLOCK: usize = 16 << 10;
    let mut bytes = bytes.to_vec();
    let number = |bytes: &[u8], at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let old = number(&bytes, 24)? as usize;
    let start = HEADER.checked_add(old.checked_mul(32)?)?;
    let payload = bytes.get(start..)?.to_vec();
    bytes.truncate(HEADER);
    let length = HEADER + payload.len().div_ceil(BLOCK) * 32 + payload.len();
    bytes[16..24].copy_from_slice(&(length as u64).to_le_bytes());
    bytes[24..28].copy_from_slice(&(payload.len().div_ceil(BLOCK) as u32).to_le_bytes());
    bytes[28..32].copy_from_slice(&(BLOCK as u32).to_le_bytes());
    bytes[32..40].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    let table: Vec<u8> = payload.chunks(BLOCK).flat_map(|block| <[u8; 32]>::from(Sha256::digest(block))).collect();
    let root = Sha256::new().chain_update(&bytes[..56]).chain_update(&table).finalize();
    bytes[56..HEADER].copy_from_slice(&root);
    bytes.extend(table);
    bytes.extend(payload);
    Some(bytes)
}

fn use_it(bytes: Vec<u8>) {
    let Ok(database) = Database::from_bytes(bytes.clone()) else { return };
    let _ = database.all();
    let _ = database.search("x", 20);
    let _ = database.by_id("CVE-2024-0001");
    let _ = database.known_exploited("CVE-2024-0001");
    let _ = database.exploit_prediction("CVE-2024-0002");
    for (ecosystem, name) in [("PyPI", "m"), ("Debian:12", "d"), ("npm", "jquery"), ("Alpine:v3.20", "p")] {
        let _ = database.feeds_for(ecosystem);
        if let Ok(candidates) = database.candidates(ecosystem, name) {
            candidates.iter().for_each(|candidate| drop(database.record(candidate)));
        }
        let _ = database.lookup(ecosystem, name);
    }
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(&bytes).and_then(|()| file.flush()).expect("a temporary file");
    let _ = Database::verify(file.path(), None);
}
