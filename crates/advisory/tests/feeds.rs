//! One example of every feed, and what it becomes.
#![allow(clippy::unwrap_used)]

use cleanbill_advisory::{ALL, Import, import, is_distribution_feed};
use cleanbill_model::{Advisory, Affected, Event, FixState, Severity};

/// Reads one file of that name; nothing may be wrong with it.
fn read(name: &str, content: &str) -> Import {
    let (import, problems) = read_all(name, content);
    assert_eq!(problems, Vec::<String>::new(), "{name}");
    import
}

/// Reads one file; gives the problems as `what: why`.
fn read_all(name: &str, content: &str) -> (Import, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    let import = import(&[path]).unwrap();
    let problems = import.problems.iter().map(|p| format!("{}: {}", p.what, p.why)).collect();
    (import, problems)
}

fn range(affected: &Affected) -> String {
    let event = |e: &Event| match e {
        Event::Introduced(v) => format!("i:{v}"),
        Event::Fixed(v) => format!("f:{v}"),
        Event::LastAffected(v) => format!("l:{v}"),
        Event::Limit(v) => format!("x:{v}"),
    };
    let text = |r: &cleanbill_model::VersionRange| r.events.iter().map(event).collect::<Vec<_>>().join(" ");
    affected.ranges.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// A record in one line: feed, id, aliases, severity, then ecosystem, package and ranges.
fn line(advisory: &Advisory) -> String {
    let affected = advisory.affected.iter().map(|a| {
        let state = if a.fix_state == FixState::ByRange { String::new() } else { format!(" {:?}", a.fix_state) };
        format!("{} {} [{}]{state}", a.ecosystem, a.name, range(a))
    });
    let aliases = advisory.aliases.join(" ");
    let affected = affected.collect::<Vec<_>>().join("; ");
    format!("{} {} ({aliases}) {}: {affected}", advisory.feed, advisory.id, advisory.severity)
}

fn check(name: &str, content: &str, expect: &[&str]) -> Import {
    let import = read(name, content);
    assert_eq!(import.advisories.iter().map(line).collect::<Vec<_>>(), expect, "{name}");
    import
}

const RUSTSEC: &str = r#"```toml
[advisory]
id = "RUSTSEC-2024-0001"
package = "mycrate"
date = "2024-01-31"
aliases = ["CVE-2024-0001"]
cvss = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"

[affected.functions]
"mycrate::f" = ["< 1.2.0"]

[versions]
patched = [">= 1.2.0", ">= 0.9.7, < 1.0.0"]
unaffected = ["< 0.9.0"]
```

# What is wrong

More text.
"#;

#[test]
fn rustsec() {
    let all =
        "rustsec RUSTSEC-2024-0001 (CVE-2024-0001) critical: crates.io mycrate [i:0.9.0 f:0.9.7, i:1.0.0 f:1.2.0]";
    let import = check("a.md", RUSTSEC, &[all]);
    let advisory = &import.advisories[0];
    assert_eq!((advisory.summary.as_str(), advisory.cvss[0].score), ("What is wrong", Some(9.8)));
    assert_eq!(advisory.published, "2024-01-31T00:00:00Z".parse().ok());
    let with = |line: &str| RUSTSEC.replace("cvss = \"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\"", line);
    let severity = |line: &str| read("a.md", &with(line)).advisories[0].severity;
    assert_eq!(severity("informational = \"unmaintained\""), Severity::Negligible);
    assert_eq!(severity("informational = \"unsound\""), Severity::Low);
    assert_eq!(severity(""), Severity::Unknown);
    assert!(read("a.md", &with("withdrawn = \"2024-02-01\"")).advisories[0].withdrawn.is_some());
    let none = RUSTSEC.replace("[\">= 1.2.0\", \">= 0.9.7, < 1.0.0\"]", "[]").replace("unaffected = [\"< 0.9.0\"]", "");
    assert_eq!(range(&read("a.md", &none).advisories[0].affected[0]), "i:0");
    let toolchain = RUSTSEC.replace("RUSTSEC-2024-0001", "CVE-2024-0009").replace("mycrate\"", "std\"");
    assert_eq!(read("rust/std/a.md", &toolchain).advisories[0].affected[0].ecosystem, "Rust");
    assert_eq!(read("crates/std/a.md", &toolchain).advisories[0].affected[0].ecosystem, "crates.io");
    let (import, problems) = read_all("a.md", &RUSTSEC.replace(">= 1.2.0", "=> 1.2"));
    assert_eq!((import.advisories.len(), problems.len()), (0, 1));
    assert!(problems[0].starts_with("read the versions of RUSTSEC-2024-0001: "), "{problems:?}");
}

const RUBY: &str = "---\ngem: rack\ncve: 2024-0001\nghsa: aaaa-bbbb-cccc\ntitle: Denial of service\ndate: 2024-01-31\n\
description: |\n  affected: no key\ncvss_v3: 7.5\nunaffected_versions:\n  - \"< 1.2\"\npatched_versions:\n  - \"~> 2.0.9\"\n  - \">= 3.0.10\"\n";

#[test]
fn ruby() {
    let expect =
        "ruby-advisory-db CVE-2024-0001 (GHSA-aaaa-bbbb-cccc) high: RubyGems rack [i:1.2 f:2.0.9, i:2.1.a f:3.0.10]";
    let found = read("a.yml", RUBY);
    let found_line = line(&found.advisories[0]);
    // How the next release line begins is a matter of the constraint; that it is below 2.1 is not.
    assert!(
        found_line.starts_with(
            "ruby-advisory-db CVE-2024-0001 (GHSA-aaaa-bbbb-cccc) high: RubyGems rack [i:1.2 f:2.0.9, i:2.1"
        ),
        "{found_line} {expect}"
    );
    assert!(found_line.ends_with("f:3.0.10]"), "{found_line}");
    let engine = RUBY.replace("gem: rack", "engine: jruby").replace("cve: 2024-0001\n", "");
    let found = read("a.yml", &engine);
    assert_eq!(
        (found.advisories[0].id.as_str(), found.advisories[0].affected[0].ecosystem.as_str()),
        ("GHSA-aaaa-bbbb-cccc", "Ruby")
    );
    let nameless = RUBY.replace("cve: 2024-0001\nghsa: aaaa-bbbb-cccc\n", "").replace("cvss_v3: 7.5", "cvss_v3: 75");
    let (import, problems) = read_all("OSVDB-1.yml", &nameless);
    assert_eq!((import.advisories[0].id.as_str(), import.advisories[0].severity), ("OSVDB-1", Severity::Unknown));
    assert_eq!(problems, ["read the score of OSVDB-1: it is not from 0 to 10"]);
    let open = RUBY.split("unaffected_versions").next().unwrap();
    assert_eq!(range(&read("a.yml", open).advisories[0].affected[0]), "i:0");
}

const PHP: &str = "title: XSS\nlink: https://example.org\ncve: ~\nbranches:\n  1.x:\n    time: 2024-02-01 10:00:00\n    versions: ['>=1.0.0', '<1.2.0']\n\
\x20 2.x:\n    time: 2024-01-31 10:00:00\n    versions: ['>=2.0.0', '<=2.3.1']\nreference: composer://Vendor/package\n";

#[test]
fn friendsofphp() {
    let expect = "friendsofphp vendor/package/2024-01-31 () unknown: Packagist vendor/package [i:1.0.0 f:1.2.0, i:2.0.0 l:2.3.1]";
    let import = check("2024-01-31.yaml", PHP, &[expect]);
    assert_eq!(import.advisories[0].published, "2024-01-31T00:00:00Z".parse().ok());
    assert_eq!(read("a.yaml", &PHP.replace("cve: ~", "cve: CVE-2024-0001")).advisories[0].id, "CVE-2024-0001");
    let (import, problems) = read_all("a.yaml", &PHP.replace("'<1.2.0'", "'<<1.2.0'"));
    assert_eq!((range(&import.advisories[0].affected[0]).as_str(), problems.len()), ("i:2.0.0 l:2.3.1", 1));
    let (import, problems) = read_all("a.yaml", &PHP.replace("composer://", "pear://"));
    assert_eq!((import.advisories.len(), problems.len()), (0, 1));
}

#[test]
fn node_core() {
    let entry = |cves: &str, vulnerable: &str, patched: &str| {
        format!(
            r#"{{"7":{{"cve":[{cves}],"vulnerable":"{vulnerable}","patched":"{patched}","overview":"o","severity":"high"}}}}"#
        )
    };
    check(
        "index.json",
        &entry("\"CVE-2024-0001\"", "8.x || 7.x", "^8.1.4"),
        &["node-core CVE-2024-0001 (NODE-7) high: Node.js node [i:7.0.0 x:8.0.0-0, i:8.0.0 f:8.1.4]"],
    );
    check("index.json", &entry("", "4.x", ""), &["node-core NODE-7 () high: Node.js node [i:4.0.0 x:5.0.0-0]"]);
    let two = read("index.json", &entry("\"CVE-2024-0002\",\"CVE-2024-0001\"", "4.x", "^4.8.4"));
    assert_eq!((two.advisories[0].id.as_str(), two.advisories[0].upstream.len()), ("NODE-7", 2));
    let (import, problems) = read_all("index.json", &entry("", "=>4", ""));
    assert!(import.advisories.is_empty() && problems[0].starts_with("read NODE-7: "), "{problems:?}");
}

#[test]
fn retirejs() {
    let text = r#"{"jq":{"npmname":"jquery","vulnerabilities":[
        {"atOrAbove":"1.2.0","below":"3.5.0","excludes":["1.3.0"],"severity":"medium","identifiers":{"CVE":["CVE-2024-0001"],"githubID":"GHSA-1"}},
        {"below":"1.9.0","severity":"low","identifiers":{"summary":"s"}}],"extractors":{}},
      "other":{"vulnerabilities":[{"below":"1","identifiers":{}}],"extractors":{}}}"#;
    check(
        "repository.json",
        text,
        &[
            "retirejs GHSA-1 (CVE-2024-0001) medium: npm jquery [i:1.2.0 f:1.3.0, i:1.3.1-0 f:3.5.0]",
            "retirejs RETIRE-jq-1.9.0 () low: npm jquery [i:0 f:1.9.0]",
        ],
    );
}

fn secdb(head: &str, fixes: &str) -> String {
    format!(r#"{{{head},"packages":[{{"pkg":{{"name":"openssl","secfixes":{{{fixes}}}}}}}]}}"#)
}

#[test]
fn secdb_of_alpine_and_its_kin() {
    let alpine = r#""distroversion":"v3.20","reponame":"main","urlprefix":"u""#;
    check(
        "main.json",
        &secdb(
            alpine,
            r#""3.0.7-r0":["CVE-2022-3602 (+ regression fix)","CVE_2022-3786"],"0":["CVE-2022-2068","XSA-1"]"#,
        ),
        &[
            "alpine-secdb CVE-2022-2068 () unknown: Alpine:v3.20 openssl [] NotAffected",
            "alpine-secdb CVE-2022-3602 () unknown: Alpine:v3.20 openssl [i:0 f:3.0.7-r0]",
            "alpine-secdb CVE-2022-3786 () unknown: Alpine:v3.20 openssl [i:0 f:3.0.7-r0]",
            "alpine-secdb XSA-1 () unknown: Alpine:v3.20 openssl [] NotAffected",
        ],
    );
    let of = |head: &str| {
        let import = read("security.json", &secdb(head, r#""1-r0":["CVE-2024-0001"]"#));
        format!("{} {}", import.advisories[0].feed, import.advisories[0].affected[0].ecosystem)
    };
    assert_eq!(of(r#""reponame":"os","urlprefix":"https://packages.wolfi.example""#), "wolfi Wolfi");
    assert_eq!(of(r#""reponame":"chainguard","urlprefix":"u""#), "chainguard Chainguard");
    assert_eq!(of(r#""reponame":"community","distroversion":"edge""#), "alpine-secdb Alpine:edge");
    let yaml = "distroversion: v3.19\nreponame: main\npackages:\n  - pkg:\n      name: zlib\n      secfixes:\n        1.10-r0:\n          - CVE-2024-0001\n        1.9-r0: ~\n";
    check("main.yaml", yaml, &["alpine-secdb CVE-2024-0001 () unknown: Alpine:v3.19 zlib [i:0 f:1.10-r0]"]);
    let (_, problems) = read_all("main.json", &secdb(alpine, r#""1-r0":["regression"],"":["CVE-2024-0001"],"2-r0":7"#));
    assert_eq!(problems.len(), 3, "{problems:?}");
    let (_, problems) = read_all("main.json", &secdb(r#""reponame":"main""#, r#""1-r0":["CVE-2024-0001"]"#));
    assert!(problems[0].contains("does not say which release"), "{problems:?}");
}

#[test]
fn wolfi() {
    let event = |time: &str, kind: &str, data: &str| {
        format!("      - timestamp: {time}T00:00:00Z\n        type: {kind}\n{data}")
    };
    let detection = event(
        "2024-01-01",
        "detection",
        "        data:\n          type: scan/v1\n          data:\n            componentID: 5e01539330380570\n",
    );
    let fixed = event("2024-01-03", "fixed", "        data:\n          fixed-version: 1.10\n");
    let file = |events: &[&str]| {
        format!(
            "schema-version: 2.0.2\n\npackage:\n  name: vault\n\nadvisories:\n  - id: CGA-1\n    aliases:\n      - CVE-2024-0001\n    events:\n{}",
            events.concat()
        )
    };
    let import = check(
        "vault.yaml",
        &file(&[&detection, &fixed]),
        &["wolfi CGA-1 (CVE-2024-0001) unknown: Wolfi vault [i:0 f:1.10]"],
    );
    assert_eq!(import.as_of["wolfi"].to_string(), "2024-01-03T00:00:00Z");
    let state = |name: &str, events: &[&str]| {
        line(&read(name, &file(events)).advisories[0]).split(": ").nth(1).unwrap().to_owned()
    };
    assert_eq!(state("a.yaml", &[&fixed, &detection]), "Wolfi vault [i:0 f:1.10]", "the order of time counts");
    assert_eq!(state("chainguard/a.yaml", &[&detection]), "Chainguard vault [i:0] Undetermined");
    for (kind, expect) in [
        ("false-positive-determination", "[] NotAffected"),
        ("true-positive-determination", "[i:0]"),
        ("pending-upstream-fix", "[i:0] Deferred"),
        ("fix-not-planned", "[i:0] WillNotFix"),
    ] {
        assert_eq!(state("a.yaml", &[&fixed, &event("2024-02-01", kind, "")]), format!("Wolfi vault {expect}"));
    }
    let zero = event("2024-02-01", "fixed", "        data:\n          fixed-version: \"0\"\n");
    assert_eq!(state("a.yaml", &[&zero]), "Wolfi vault [] NotAffected");
    for bad in [event("2024-02-01", "fixed", ""), event("2024-02-01", "guessed", ""), event("soon", "fixed", "")] {
        let (import, problems) = read_all("a.yaml", &file(&[&bad]));
        assert!(import.advisories.is_empty() && !problems.is_empty(), "{bad}");
    }
}

const KEV: &str = r#"{"catalogVersion":"2024.01.02","dateReleased":"2024-01-02T15:00:00.0000Z","count":2,"vulnerabilities":[
{"cveID":"CVE-2024-0001","dateAdded":"2024-01-02","dueDate":"2024-01-23","knownRansomwareCampaignUse":"Known"},
{"cveID":"CVE-2024-0002","dateAdded":"2024-01-01","dueDate":"","knownRansomwareCampaignUse":"Unknown"}]}"#;

#[test]
fn kev() {
    let import = read("kev.json", KEV);
    let one = import.known_exploited["CVE-2024-0001"];
    assert_eq!(
        (one.added.to_string().as_str(), one.due.unwrap().to_string().as_str(), one.ransomware),
        ("2024-01-02", "2024-01-23", true)
    );
    let two = import.known_exploited["CVE-2024-0002"];
    assert_eq!((two.due, two.ransomware), (None, false));
    assert_eq!(import.as_of["cisa-kev"].to_string(), "2024-01-02T15:00:00Z");
    let (import, problems) = read_all("kev.json", &KEV.replace("CVE-2024-0001", "CVE-1"));
    assert_eq!((import.known_exploited.len(), problems.len()), (1, 2), "{problems:?}");
    assert!(problems[1].contains("states 2 entries and 1 were read"), "{problems:?}");
    let (import, problems) = read_all("kev.json", &KEV.replace("2024-01-23", "2024-02-31"));
    assert_eq!((import.known_exploited.len(), problems.len()), (2, 1), "{problems:?}");
}

#[test]
fn epss() {
    let text = "#model_version:v2023.03.01,score_date:2023-03-07T00:00:00+0000\ncve,epss,percentile\nCVE-2020-5902,0.97567,0.99995\nCVE-2018-19571,0.00113,0.43131\n";
    let import = read("epss.csv", text);
    let one = import.exploit_prediction["CVE-2020-5902"];
    assert!((one.score - 0.97567).abs() < 1e-12 && (one.percentile - 0.99995).abs() < 1e-12);
    assert_eq!(
        (import.exploit_prediction.len(), import.as_of["epss"].to_string().as_str()),
        (2, "2023-03-07T00:00:00Z")
    );
    let old = read("epss.csv", "cve,epss\nCVE-2020-5902,0.6\nCVE-2018-19571,0.1\nCVE-2018-19572,0.1\n");
    let percentile = |id: &str| old.exploit_prediction[id].percentile;
    assert!(
        (percentile("CVE-2020-5902") - 1.0).abs() < 1e-9 && (percentile("CVE-2018-19571") - 2.0 / 3.0).abs() < 1e-8
    );
    let (import, problems) = read_all(
        "epss.csv",
        "cve,epss,percentile\nCVE-2020-5902,2,0.5\nx,0.1,0.1\nCVE-2020-5903,0.1\nCVE-2020-5904,0.1,0.2\n",
    );
    assert_eq!((import.exploit_prediction.len(), problems.len()), (1, 3), "{problems:?}");
    assert!(problems[0].starts_with("read line 2: "), "{problems:?}");
}

const PYPA: &str = "id: PYSEC-2024-1\nmodified: \"2024-01-02T00:00:00Z\"\naliases:\n- CVE-2024-0001\nsummary: bad\naffected:\n- package:\n    name: p\n    ecosystem: PyPI\n\
\x20 ranges:\n  - type: ECOSYSTEM\n    events:\n    - introduced: \"0\"\n    - fixed: 1.10\n  versions:\n  - 1.0\n  - 1.1.0\n";

#[test]
fn osv_in_yaml() {
    let import = check("a.yaml", PYPA, &["osv PYSEC-2024-1 (CVE-2024-0001) unknown: PyPI p [i:0 f:1.10]"]);
    assert_eq!(import.advisories[0].affected[0].versions, ["1.0", "1.1.0"], "versions stay as they are written");
    let list = format!(
        "- {}- {}",
        PYPA.trim_end().replace('\n', "\n  ") + "\n",
        PYPA.trim_end().replace('\n', "\n  ").replace("2024-1\n", "2024-2\n")
    );
    let ids: Vec<_> = read("a.yaml", &list).advisories.iter().map(|a| a.id.clone()).collect();
    assert_eq!(ids, ["PYSEC-2024-1", "PYSEC-2024-2"]);
    let (import, problems) = read_all("a.yaml", &PYPA.replace("- 1.0\n", "- {a: b}\n"));
    assert!(
        import.advisories.is_empty() && problems[0].starts_with("read the file: its YAML is malformed"),
        "{problems:?}"
    );
}

#[test]
fn every_feed_has_its_line() {
    let feeds: Vec<_> = ALL.iter().map(|f| f.feed).collect();
    let mut once = feeds.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), feeds.len());
    let own: Vec<_> = feeds.into_iter().filter(|f| is_distribution_feed(f)).collect();
    assert_eq!(own, ["debian-tracker", "alpine-secdb", "minimos", "wolfi", "chainguard"]);
    assert!(!is_distribution_feed("osv") && !is_distribution_feed("nobody"));
}

#[test]
fn more_constraints_than_any_real_record_are_refused() {
    let many = |text: &str| vec![text; 1001].join(", ");
    for (name, content) in [
        ("a.md", RUSTSEC.replace("\">= 1.2.0\"", &many("\">= 1.2.0\""))),
        ("a.yml", RUBY.replace("  - \"~> 2.0.9\"\n  - \">= 3.0.10\"\n", &format!("  [{}]\n", many("\">= 3\"")))),
        ("a.yaml", PHP.replace("'<1.2.0'", &many("'<1.2.0'"))),
    ] {
        let (import, problems) = read_all(name, &content);
        assert!(import.advisories.is_empty() && problems.len() == 1, "{name} {problems:?}");
        assert!(problems[0].contains("at most 1000 are read"), "{problems:?}");
    }
}

#[test]
fn cut_anywhere_it_ends_in_records_or_problems() {
    for whole in [RUSTSEC, RUBY, PHP, KEV, PYPA] {
        for length in (0..whole.len()).filter(|n| whole.is_char_boundary(*n)) {
            let (import, problems) = read_all("feed", &whole[..length]);
            assert!(import.files > 0 || !problems.is_empty(), "{length} of {whole}");
        }
    }
}
