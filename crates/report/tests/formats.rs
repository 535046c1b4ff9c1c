//! Reports for other programs: what they read of them is there.
#![allow(clippy::unwrap_used, clippy::panic)]

mod scan;

use std::collections::BTreeSet;

use cleanbill_model::Digest;
use cleanbill_report::ALL;
use scan::Scan;
use serde_json::{Value, json};

const TARGET: &str = "ghcr.io/o/shop:1";

fn text(name: &str, scan: &Scan) -> String {
    (ALL.iter().find(|f| f.name == name).unwrap().write)(&scan.report(TARGET), 80)
}

fn value(name: &str, scan: &Scan) -> Value {
    serde_json::from_str(&text(name, scan)).unwrap()
}

#[test]
fn every_format_has_a_name_of_its_own_and_is_the_same_each_time() {
    let names: BTreeSet<_> = ALL.iter().map(|f| f.name).collect();
    assert_eq!((names.len(), ALL.len()), (14, 14));
    for format in ALL {
        for scan in [Scan::full(), Scan::empty()] {
            let one = (format.write)(&scan.report(TARGET), 80);
            assert!(one.ends_with('\n'), "{}", format.name);
            assert_eq!(one, (format.write)(&scan.report(TARGET), 80), "{}", format.name);
        }
    }
}

#[test]
fn sarif_has_a_rule_for_each_id_and_a_result_for_each_file() {
    let mut scan = Scan::full();
    let second = cleanbill_model::Location { path: "b c/é.jar".into(), layer: None };
    scan.findings.findings[0].package.locations.push(second);
    let run = value("sarif", &scan)["runs"][0].clone();
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(
        rules.iter().map(|r| r["id"].as_str().unwrap()).collect::<Vec<_>>(),
        ["CVE-2019-1", "CVE-2021-44228", "CVE-2024-0001"]
    );
    assert_eq!(rules[1]["properties"]["security-severity"], "10.0");
    assert_eq!(rules[1]["helpUri"], "https://www.cve.org/CVERecord?id=CVE-2021-44228");
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    let uri = |n: usize| results[n]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
    assert_eq!((uri(0), uri(1)), ("app/x.jar", "b%20c/%C3%A9.jar"));
    assert_eq!((&results[0]["level"], &results[0]["ruleIndex"]), (&"error".into(), &1.into()));
    assert_eq!(results[0]["properties"]["layer"], Digest::sha256("layer").to_string());
    assert_eq!(results[3]["suppressions"][0]["justification"], "ann: not reached");
    assert_eq!(run["invocations"][0]["toolExecutionNotifications"][0]["descriptor"]["id"], "zip-malformed");
    // Another version of the same package in another layer is the same alert.
    let print = |r: &Value| r["partialFingerprints"]["cleanbill/v1"].clone();
    scan.findings.findings[0].package.version = "2.14.0".into();
    scan.findings.findings[0].package.purl.version = Some("2.14.0".into());
    scan.findings.findings[0].package.locations[0].layer = None;
    let later = value("sarif", &scan)["runs"][0]["results"].clone();
    assert_eq!(print(&results[0]), print(&later[0]));
    assert_ne!(print(&results[0]), print(&results[1]));
}

#[test]
fn cyclonedx_refers_to_the_components_it_speaks_of() {
    let scan = Scan::full();
    let document = value("cyclonedx", &scan);
    let refs: Vec<_> = document["components"].as_array().unwrap().iter().map(|c| &c["bom-ref"]).collect();
    let vulnerabilities = document["vulnerabilities"].as_array().unwrap();
    assert_eq!(vulnerabilities.len(), 3);
    for vulnerability in vulnerabilities {
        for affected in vulnerability["affects"].as_array().unwrap() {
            assert!(refs.contains(&&affected["ref"]), "{affected}");
        }
    }
    assert_eq!(vulnerabilities[0]["ratings"][0]["method"], "CVSSv31");
    assert_eq!(vulnerabilities[2]["analysis"]["state"], "not_affected");
    assert_eq!(vulnerabilities[2]["analysis"]["detail"], "ann: not reached");
    // It is an SBOM still, and the same one.
    assert_eq!(cleanbill_sbom::read(text("cyclonedx", &scan).as_bytes()).unwrap(), scan.sbom);
}

#[test]
fn github_gets_a_snapshot_of_the_run() {
    let document = value("github", &Scan::full());
    assert_eq!((&document["sha"], &document["ref"]), (&"c0ffee".into(), &"refs/heads/main".into()));
    assert_eq!(document["job"], json!({"id": "7", "correlator": "build scan ghcr.io/o/shop:1"}));
    let manifest = &document["manifests"]["app/x.jar"];
    assert_eq!(manifest["file"]["source_location"], "app/x.jar");
    let resolved = &manifest["resolved"]["org.apache.logging.log4j:log4j-core@2.14.1"];
    assert_eq!(resolved["package_url"], "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1");
}

#[test]
fn gitlab_gets_what_counts() {
    let document = value("gitlab", &Scan::full());
    assert_eq!(document["scan"]["start_time"], "2024-06-03T10:00:00");
    let all = document["vulnerabilities"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["severity"], "Critical");
    assert_eq!(
        all[0]["identifiers"][0],
        json!({"type": "cve", "name": "CVE-2021-44228", "value": "CVE-2021-44228",
        "url": "https://www.cve.org/CVERecord?id=CVE-2021-44228"})
    );
    assert_eq!(all[1]["location"]["operating_system"], "debian 12");
    assert_eq!(all[1]["location"]["image"], TARGET);
}

#[test]
fn junit_counts_are_those_of_its_cases() {
    let xml = text("junit", &Scan::full());
    assert!(xml.contains("tests=\"5\" failures=\"2\" errors=\"1\" skipped=\"2\""), "{xml}");
    for (tag, count) in [("<testcase ", 5), ("<failure ", 2), ("<error ", 1), ("<skipped ", 2)] {
        assert_eq!(xml.matches(tag).count(), count, "{tag}: {xml}");
    }
    let xml = text("junit", &Scan::empty());
    assert!(xml.contains("tests=\"1\" failures=\"0\"") && xml.matches("<testcase ").count() == 1, "{xml}");
}

#[test]
fn csv_has_as_many_fields_in_every_line() {
    let mut scan = Scan::full();
    scan.findings.findings[0].summary = "=cmd|' /C calc'!A0, \"x\"".into();
    let csv = text("csv", &scan);
    assert!(csv.contains(",\"'=cmd|' /C calc'!A0, \"\"x\"\"\"\n"), "{csv}");
    for line in csv.lines() {
        let (mut fields, mut quoted) = (1, false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => fields += 1,
                _ => assert!(quoted, "{line}"),
            }
        }
        assert_eq!((fields, quoted), (17, false), "{line}");
    }
}

#[test]
fn markdown_lists_what_counts_and_hides_what_does_not() {
    let text = text("markdown", &Scan::full());
    assert!(text.starts_with("## Scan of `ghcr.io/o/shop:1`\n\n"), "{text}");
    let row = "| critical | [CVE-2021-44228](https://www.cve.org/CVERecord?id=CVE-2021-44228) \
        | `org.apache.logging.log4j:log4j-core` | `2.14.1` | 2.15.0 | **exploited** by ransomware, EPSS 94%, `app/x.jar` |";
    assert!(text.contains(row), "{text}");
    let details = text.find("<details>").unwrap();
    assert!(text.find("CVE-2019-1").unwrap() > details, "{text}");
}

#[test]
fn outside_text_is_no_markup() {
    let mut scan = Scan::full();
    let evil = "<script>alert(1)</script>\"onload='x' | [a](javascript:b) `c` @team";
    let first = &mut scan.findings.findings[0];
    first.id = evil.into();
    first.package.name = evil.into();
    first.package.version = evil.into();
    first.package.locations[0].path = evil.into();
    first.summary = evil.into();
    scan.findings.findings[2].suppressed.as_mut().unwrap().why = evil.into();
    scan.sbom.problems[0].path = evil.into();
    for name in ["html", "junit"] {
        let text = text(name, &scan);
        assert!(!text.contains("<script") && !text.contains("javascript:b\"") && !text.contains("\"onload"), "{text}");
    }
    let markdown = text("markdown", &scan);
    for line in markdown.lines().filter(|l| l.starts_with("| ")) {
        // Six cells, whatever the texts hold.
        assert_eq!(line.replace("\\|", "").matches('|').count(), 7, "{line}");
    }
    // The id is no code: what is markup in it is escaped.
    assert!(markdown.contains("&lt;script&gt;alert\\(1\\)"), "{markdown}");
    assert!(markdown.contains("\\[a\\]\\(javascript\\:b\\) \\`c\\` <span>@</span>team"), "{markdown}");
    // No link is made of an id that is no plain word.
    assert!(!text("html", &scan).contains("href=\"https://osv.dev/vulnerability/<"), "html");
    assert!(
        value("sarif", &scan)["runs"][0]["tool"]["driver"]["rules"]
            .as_array()
            .unwrap()
            .iter()
            .any(|r| r["helpUri"].is_null())
    );
}

#[test]
fn html_needs_nothing_from_elsewhere() {
    let html = text("html", &Scan::full());
    assert!(html.contains("default-src 'none'") && html.contains("lang=\"en\""), "{html}");
    for tag in ["<script", "<link", "<img", "src="] {
        assert!(!html.contains(tag), "{tag}");
    }
    for tag in ["table", "tr", "td", "th", "ul", "li", "p", "div", "span", "code", "thead", "tbody"] {
        let open = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
        assert_eq!(open, html.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn openvex_speaks_of_the_image_and_the_packages_in_it() {
    let document = value("openvex", &Scan::full());
    let statements = document["statements"].as_array().unwrap();
    assert_eq!(
        statements.iter().map(|s| s["status"].as_str().unwrap()).collect::<Vec<_>>(),
        ["affected", "affected", "not_affected"]
    );
    let index = Digest::sha256("index");
    let product = format!("pkg:oci/shop@{index}?repository_url=ghcr.io/o/shop").replace("sha256:", "sha256:");
    assert_eq!(statements[0]["products"][0]["@id"], product);
    assert_eq!(
        statements[0]["products"][0]["subcomponents"][0]["@id"],
        "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"
    );
    assert_eq!(statements[0]["action_statement"], "Upgrade org.apache.logging.log4j:log4j-core to 2.15.0 or later.");
    assert_eq!(statements[2]["impact_statement"], "ann: not reached");
}

#[test]
fn scripts_for_trivy_find_what_they_read() {
    let document = value("trivy-json", &Scan::full());
    assert_eq!((&document["SchemaVersion"], &document["ArtifactType"]), (&2.into(), &"container_image".into()));
    assert_eq!(document["Metadata"]["OS"], json!({"Family": "debian", "Name": "12"}));
    let results = document["Results"].as_array().unwrap();
    assert_eq!(
        (&results[0]["Class"], &results[0]["Target"]),
        (&"os-pkgs".into(), &"ghcr.io/o/shop:1 (debian 12)".into())
    );
    let java = &results[1]["Vulnerabilities"][0];
    let expect = json!({"VulnerabilityID": "CVE-2021-44228", "PkgName": "org.apache.logging.log4j:log4j-core",
        "InstalledVersion": "2.14.1", "FixedVersion": "2.15.0", "Status": "fixed", "Severity": "CRITICAL", "PkgPath": "app/x.jar"});
    for (key, expect) in expect.as_object().unwrap() {
        assert_eq!(&java[key], expect, "{key}");
    }
    assert_eq!(
        java["Layer"],
        json!({"Digest": Digest::sha256("layer").to_string(), "DiffID": Digest::sha256("diff").to_string()})
    );
    assert_eq!(java["CVSS"]["osv"]["V3Score"], 10.0);
    assert_eq!(results[0]["ExperimentalModifiedFindings"][0]["Statement"], "not reached");
    assert_eq!(results[0]["Vulnerabilities"].as_array().unwrap().len(), 1);
}

#[test]
fn scripts_for_grype_find_what_they_read() {
    let document = value("grype-json", &Scan::full());
    let matches = document["matches"].as_array().unwrap();
    assert_eq!((matches.len(), document["ignoredMatches"].as_array().unwrap().len()), (2, 1));
    let java = &matches[0];
    assert_eq!(
        (&java["vulnerability"]["id"], &java["vulnerability"]["severity"]),
        (&"CVE-2021-44228".into(), &"Critical".into())
    );
    assert_eq!(java["vulnerability"]["fix"], json!({"versions": ["2.15.0"], "state": "fixed"}));
    assert_eq!(java["vulnerability"]["knownExploited"][0]["dateAdded"], "2021-12-10");
    assert_eq!(java["artifact"]["locations"][0]["path"], "/app/x.jar");
    assert_eq!(java["artifact"]["locations"][0]["layerID"], Digest::sha256("diff").to_string());
    assert_eq!(matches[1]["artifact"]["upstreams"][0]["name"], "glibc");
}

#[test]
fn cosign_gets_our_report_with_scanner_and_time() {
    let document = value("cosign-vuln", &Scan::full());
    assert_eq!(document["metadata"]["scanFinishedOn"], "2024-06-03T10:00:00Z");
    assert_eq!(document["scanner"]["result"], value("json", &Scan::full()));
}
