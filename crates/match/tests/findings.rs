//! From packages and records to findings, coverage and gates.
#![allow(clippy::unwrap_used)]

use cleanbill_advisory::{Database, Import};
use cleanbill_match::{FailOn, Ignorance, MatchOptions, explain, gate, group_id, hit, keys, match_sbom};
use cleanbill_model::{
    Advisory, Affected, Digest, Distro, DistroState, Event, Findings, FixState, Location, Package, Problem, Purl,
    RangeKind, Sbom, Severity, SourcePackage, State, Subject, Timestamp, VersionRange,
};

fn package(purl: &str) -> Package {
    let purl = Purl::parse(purl).unwrap();
    let name = match (purl.kind.as_str(), purl.namespace.as_str()) {
        ("deb", _) | (_, "") => purl.name.clone(),
        ("maven", namespace) => format!("{namespace}:{}", purl.name),
        (_, namespace) => format!("{namespace}/{}", purl.name),
    };
    let version = purl.version.clone().unwrap_or_default();
    Package { purl, name, version, source: None, licenses: vec![], locations: vec![], owner: None, cataloger: None }
}

fn deb(binary: &str, version: &str, source: &str, source_version: &str) -> Package {
    let source = SourcePackage { name: source.into(), version: source_version.into() };
    Package { source: Some(source), ..package(&format!("pkg:deb/debian/{binary}@{version}")) }
}

fn debian(version: &str) -> Distro {
    Distro { id: "debian".into(), version: version.into(), state: DistroState::Confirmed, ..Distro::default() }
}

fn sbom(distro: Distro, packages: Vec<Package>) -> Sbom {
    Sbom { subject: Subject::default(), distro, packages, problems: vec![], catalogers: vec![], layers: vec![] }
}

/// A record; `events` as in `i:0 f:1.2`.
fn record(id: &str, feed: &str, ecosystem: &str, name: &str, events: &str) -> Advisory {
    let events = events.split_whitespace().map(|e| match e.split_once(':').unwrap() {
        ("i", v) => Event::Introduced(v.into()),
        ("f", v) => Event::Fixed(v.into()),
        (_, v) => Event::LastAffected(v.into()),
    });
    Advisory {
        id: id.into(),
        aliases: vec![],
        upstream: vec![],
        feed: feed.into(),
        summary: String::new(),
        severity: Severity::Unknown,
        cvss: vec![],
        published: None,
        modified: None,
        withdrawn: None,
        affected: vec![Affected {
            ecosystem: ecosystem.into(),
            name: name.into(),
            ranges: vec![VersionRange { kind: RangeKind::Ecosystem, events: events.collect() }],
            versions: vec![],
            fix_state: FixState::ByRange,
            severity: None,
        }],
    }
}

fn aka(advisory: Advisory, aliases: &[&str]) -> Advisory {
    Advisory { aliases: aliases.iter().map(|a| (*a).to_owned()).collect(), ..advisory }
}

fn rated(advisory: Advisory, severity: Severity) -> Advisory {
    Advisory { severity, ..advisory }
}

fn with_state(mut advisory: Advisory, fix_state: FixState, severity: Option<Severity>) -> Advisory {
    advisory.affected[0].fix_state = fix_state;
    advisory.affected[0].severity = severity;
    advisory
}

fn database(advisories: Vec<Advisory>) -> Database {
    let built = Some(now());
    Database::from_bytes(Database::compile(&Import { advisories, ..Import::default() }, built)).unwrap()
}

fn now() -> Timestamp {
    "2024-06-01T00:00:00Z".parse().unwrap()
}

fn found(distro: Distro, packages: Vec<Package>, advisories: Vec<Advisory>) -> Findings {
    match_sbom(&sbom(distro, packages), &database(advisories), &MatchOptions::default()).unwrap()
}

fn lines(findings: &Findings) -> Vec<String> {
    let line = |f: &cleanbill_model::Finding| {
        format!(
            "{} {} {} {} [{}] {}",
            f.severity,
            f.id,
            f.package.name,
            f.state.name(),
            f.fixed.join(" "),
            f.reason.range
        )
    };
    findings.findings.iter().map(line).collect()
}

#[test]
fn the_keys_of_every_kind() {
    let check = |purl: &str, distro: Distro, expect: &[&str]| {
        let keys: Vec<String> = keys(&package(purl), &distro).into_iter().map(|(e, n)| format!("{e} {n}")).collect();
        assert_eq!(keys, expect, "{purl}");
    };
    let none = Distro::default;
    check("pkg:maven/org.example/lib@1", none(), &["Maven org.example:lib"]);
    check("pkg:golang/github.com/gorilla/mux@v1.0.0", none(), &["Go github.com/gorilla/mux"]);
    check("pkg:golang/stdlib@1.22.0", none(), &["Go stdlib"]);
    check("pkg:npm/%40scope/x@1.0.0", none(), &["npm @scope/x"]);
    check("pkg:cargo/time@0.1.0", none(), &["crates.io time"]);
    check("pkg:pypi/Zope_Interface@1", none(), &["PyPI zope-interface"]);
    check("pkg:apk/alpine/musl@1", none(), &[]);
    check("pkg:deb/debian/zlib1g@1", debian("12"), &["Debian:12 zlib1g"]);
    check("pkg:deb/debian/zlib1g@1", debian("12.5"), &["Debian:12 zlib1g"]);
    check("pkg:deb/debian/zlib1g@1", Distro { codename: "sid".into(), ..debian("") }, &["Debian:sid zlib1g"]);
    let ubuntu = Distro { id: "ubuntu".into(), ..debian("22.04") };
    check("pkg:deb/ubuntu/zlib1g@1", ubuntu, &["Ubuntu:22.04 zlib1g", "Ubuntu:22.04:LTS zlib1g"]);
    let unknown = Distro { state: DistroState::Unknown("no os-release".into()), ..debian("12") };
    check("pkg:deb/debian/zlib1g@1", unknown, &[]);
    check("pkg:deb/debian/zlib1g@1", Distro { id: "linuxmint".into(), ..debian("21") }, &[]);
}

#[test]
fn a_distribution_package_is_compared_by_its_source() {
    let advisory = record("CVE-1", "debian-tracker", "Debian:12", "glibc", "i:0 f:2.36-9+deb12u4");
    let check = |package: &Package, expect: Option<&str>| {
        let hit = hit(&advisory, package, &debian("12"));
        assert_eq!(hit.map(|h| format!("{} by {}", h.range, h.matched_by)).as_deref(), expect);
    };
    check(&deb("libc6", "2.36-9+deb12u3", "glibc", "2.36-9+deb12u3"), Some("< 2.36-9+deb12u4 by source glibc"));
    check(&deb("libc6", "2.36-9+deb12u4", "glibc", "2.36-9+deb12u4"), None);
    // A rebuilt binary has a higher version than the source whose fix it lacks.
    check(&deb("libc6", "2.36-9+deb12u4+b1", "glibc", "2.36-9+deb12u3"), Some("< 2.36-9+deb12u4 by source glibc"));
    check(&deb("glibc", "2.36-9", "other", "2.36-9"), None);
}

#[test]
fn go_versions_with_and_without_v() {
    let module = record("GO-1", "osv", "Go", "example.org/m", "i:0 f:1.2.3");
    let check = |advisory: &Advisory, purl: &str, expect: bool| {
        assert_eq!(hit(advisory, &package(purl), &Distro::default()).is_some(), expect, "{purl}");
    };
    check(&module, "pkg:golang/example.org/m@v1.2.2", true);
    check(&module, "pkg:golang/example.org/m@1.2.2", true);
    check(&module, "pkg:golang/example.org/m@v1.2.3", false);
    check(&module, "pkg:golang/example.org/m@v1.2.3-0.20200101000000-abcdefabcdef", true);
    check(&module, "pkg:golang/example.org/m@%28devel%29", false);
    check(&module, "pkg:golang/example.org/m", false);
    let stdlib = record("GO-2", "osv", "Go", "stdlib", "i:1.22.0-0 f:1.22.1");
    check(&stdlib, "pkg:golang/stdlib@go1.22rc1", true);
    check(&stdlib, "pkg:golang/stdlib@1.21.9", false);
}

#[test]
fn listed_versions_hit_without_a_range() {
    let mut advisory = record("X", "osv", "Maven", "g:a", "i:5 f:6");
    advisory.affected[0].versions = vec!["1.0".into()];
    let one = hit(&advisory, &package("pkg:maven/g/a@1.0.0"), &Distro::default()).unwrap();
    assert_eq!((one.range.as_str(), one.fixed, one.state), ("= 1.0.0", vec!["6".to_owned()], State::Fixed));
    assert_eq!(hit(&advisory, &package("pkg:maven/g/a@1.1"), &Distro::default()), None);
}

#[test]
fn one_vulnerability_in_two_feeds_is_one_finding() {
    let findings = found(
        Distro::default(),
        vec![package("pkg:golang/m.org/x@v1.0.0")],
        vec![
            aka(rated(record("GHSA-1", "osv", "Go", "m.org/x", "i:0 f:1.1.0"), Severity::Medium), &["CVE-2024-1"]),
            aka(
                rated(record("GO-1", "osv", "Go", "m.org/x", "i:0 f:1.2.0"), Severity::High),
                &["CVE-2024-1", "GHSA-1"],
            ),
            rated(record("GO-2", "osv", "Go", "m.org/x", "i:0"), Severity::Low),
        ],
    );
    assert_eq!(
        lines(&findings),
        ["high CVE-2024-1 m.org/x fixed [1.1.0 1.2.0] < 1.1.0 || < 1.2.0", "low GO-2 m.org/x affected [] all versions",]
    );
    assert_eq!(findings.findings[0].aliases, ["GHSA-1", "GO-1"]);
    assert_eq!(findings.findings[0].reason.feed, "osv GHSA-1, osv GO-1");
}

#[test]
fn a_record_that_names_two_cves_does_not_make_one_of_them() {
    let both = aka(record("GHSA-1", "osv", "Maven", "g:a", "i:0"), &["CVE-2024-1", "CVE-2024-2"]);
    assert_eq!(group_id(&both), "CVE-2024-1");
    let findings = found(
        Distro::default(),
        vec![package("pkg:maven/g/a@1")],
        vec![
            both,
            record("CVE-2024-1", "osv", "Maven", "g:a", "i:0"),
            record("CVE-2024-2", "osv", "Maven", "g:a", "i:0"),
        ],
    );
    let ids: Vec<&str> = findings.findings.iter().map(|f| f.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2024-1", "CVE-2024-2"]);
}

#[test]
fn aliases_do_not_merge_findings_of_different_packages() {
    let findings = found(
        Distro::default(),
        vec![package("pkg:maven/g/a@1"), package("pkg:maven/g/b@1")],
        vec![
            aka(record("GHSA-1", "osv", "Maven", "g:a", "i:0"), &["CVE-1"]),
            aka(record("GHSA-2", "osv", "Maven", "g:b", "i:0"), &["CVE-1"]),
        ],
    );
    assert_eq!(lines(&findings).len(), 2);
}

#[test]
fn a_withdrawn_record_hides_no_other() {
    let withdrawn = Advisory {
        withdrawn: Some(now()),
        ..aka(rated(record("GHSA-1", "osv", "Maven", "g:a", "i:0"), Severity::Critical), &["CVE-1"])
    };
    let packages = || vec![package("pkg:maven/g/a@1")];
    assert!(found(Distro::default(), packages(), vec![withdrawn.clone()]).findings.is_empty());
    let other = rated(record("CVE-1", "osv", "Maven", "g:a", "i:0 f:2"), Severity::Low);
    let findings = found(Distro::default(), packages(), vec![withdrawn, other]);
    assert_eq!(lines(&findings), ["low CVE-1 g:a fixed [2] < 2"]);
}

#[test]
fn the_distribution_has_the_last_word_on_its_own_packages() {
    let other = aka(rated(record("DEBIAN-CVE-1", "osv", "Debian:12", "s", "i:0"), Severity::High), &["CVE-1"]);
    let packages = || vec![deb("b", "1-1", "s", "1-1")];
    let not_affected = with_state(record("CVE-1", "debian-tracker", "Debian:12", "s", ""), FixState::NotAffected, None);
    assert!(found(debian("12"), packages(), vec![other.clone(), not_affected]).findings.is_empty());
    assert_eq!(found(debian("12"), packages(), vec![other]).findings.len(), 1);
}

#[test]
fn the_states_of_a_distribution() {
    let check = |fix_state, expect: State| {
        let advisory = with_state(record("CVE-1", "debian-tracker", "Debian:12", "s", "i:0"), fix_state, None);
        let findings = found(debian("12"), vec![deb("b", "1", "s", "1")], vec![advisory]);
        assert_eq!(findings.findings[0].state, expect);
    };
    check(FixState::ByRange, State::Affected);
    check(FixState::WillNotFix, State::WillNotFix);
    check(FixState::Deferred, State::FixDeferred);
    check(FixState::EndOfLife, State::EndOfLife);
    check(FixState::Undetermined, State::Unknown);
}

#[test]
fn severity_is_the_distributions_and_borrowed_where_it_gives_none() {
    let elsewhere = aka(rated(record("GHSA-1", "osv", "Maven", "g:a", "i:0"), Severity::Critical), &["CVE-1"]);
    let check = |own: Option<Severity>, expect: Severity| {
        let advisory = with_state(record("CVE-1", "debian-tracker", "Debian:12", "s", "i:0"), FixState::ByRange, own);
        let findings = found(debian("12"), vec![deb("b", "1", "s", "1")], vec![advisory, elsewhere.clone()]);
        assert_eq!(findings.findings[0].severity, expect);
    };
    check(Some(Severity::Negligible), Severity::Negligible);
    check(None, Severity::Critical);
}

#[test]
fn coverage_has_a_row_for_everything_aboard() {
    let findings = found(
        debian("12"),
        vec![
            deb("b", "1", "s", "1"),
            deb("c", "1", "t", "1"),
            package("pkg:pypi/x@1"),
            package("pkg:apk/alpine/musl@1"),
            package("pkg:maven/g/a@1"),
        ],
        vec![record("CVE-1", "debian-tracker", "Debian:12", "s", "i:0"), record("PYSEC-1", "osv", "PyPI", "x", "i:0")],
    );
    let rows: Vec<String> = findings
        .coverage
        .iter()
        .map(|r| {
            format!(
                "{} {} {} {}",
                r.ecosystem,
                r.source.as_deref().unwrap_or("-"),
                r.packages,
                r.packages_without_record
            )
        })
        .collect();
    assert_eq!(rows, ["Debian:12 debian-tracker 2 1", "Maven - 1 1", "PyPI osv 1 0", "apk - 1 1"]);
}

#[test]
fn an_unknown_distribution_leaves_its_packages_uncovered() {
    let unknown = Distro { state: DistroState::Unknown("os-release is missing".into()), ..debian("12") };
    let advisories = vec![record("CVE-1", "debian-tracker", "Debian:12", "s", "i:0")];
    let findings = found(unknown, vec![deb("b", "1", "s", "1")], advisories);
    assert!(findings.findings.is_empty());
    assert_eq!((findings.coverage[0].ecosystem.as_str(), &findings.coverage[0].source), ("deb", &None));
}

#[test]
fn gates_are_read_from_their_words() {
    let parse = |text: &str| FailOn::parse(text).map_err(|e| e.to_string());
    assert_eq!(parse("high"), Ok(FailOn::at(Severity::High)));
    assert_eq!(parse("HIGH,fixable"), Ok(FailOn { fixable: true, ..FailOn::at(Severity::High) }));
    assert_eq!(parse("none"), Ok(FailOn { severity: None, ..FailOn::at(Severity::High) }));
    assert_eq!(parse("kev"), Ok(FailOn { kev: true, ..FailOn::at(Severity::Unknown) }));
    assert_eq!(
        parse("epss>=0.5,fixable"),
        Ok(FailOn { epss: Some(0.5), fixable: true, ..FailOn::at(Severity::Unknown) })
    );
    assert!(parse("fixable").unwrap_err().starts_with("`fixable` is no gate"));
    assert!(parse("").is_err() && parse("high,fixabel").is_err());
    assert_eq!(parse("high,kev"), Ok(FailOn { kev: true, ..FailOn::at(Severity::High) }));
    assert_eq!(parse("low, epss>=0.1"), Ok(FailOn { epss: Some(0.1), ..FailOn::at(Severity::Low) }));
    assert!(parse("high,epss>=2").is_err() && parse("high,epss>0.1").is_err() && parse("high,epss>=x").is_err());
}

/// A gate over one finding of `severity`, with changes to everything that counts.
struct Case {
    severity: Severity,
    fix: &'static str,
    distro: Distro,
    extra: Vec<Package>,
    problems: Vec<Problem>,
    age_days: i64,
}

impl Case {
    fn new(severity: Severity) -> Self {
        Self { severity, fix: "", distro: Distro::default(), extra: vec![], problems: vec![], age_days: 0 }
    }

    fn judge(&self, fail_on: &str, allow: &[Ignorance]) -> (bool, usize, Vec<(Ignorance, String)>) {
        let events = format!("i:0 {}", self.fix);
        let database = database(vec![rated(record("CVE-1", "osv", "Maven", "g:a", &events), self.severity)]);
        let packages = [vec![package("pkg:maven/g/a@1")], self.extra.clone()].concat();
        let sbom = Sbom { problems: self.problems.clone(), ..sbom(self.distro.clone(), packages) };
        let findings = match_sbom(&sbom, &database, &MatchOptions::default()).unwrap();
        let later = now() + jiff::SignedDuration::from_hours(24 * self.age_days);
        let fail_on = FailOn::parse(fail_on).unwrap();
        let limit = cleanbill_match::DEFAULT_MAX_AGE;
        let result = gate(&findings, &sbom, &database.info(), &fail_on, allow, later, limit);
        (result.passed, result.failing.len(), result.ignorance)
    }
}

#[test]
fn a_gate_counts_what_is_at_or_above() {
    let judge = |severity, fail_on| Case::new(severity).judge(fail_on, &[]);
    assert_eq!(judge(Severity::High, "high"), (false, 1, vec![]));
    assert_eq!(judge(Severity::Critical, "high"), (false, 1, vec![]));
    assert_eq!(judge(Severity::Medium, "high"), (true, 0, vec![]));
    assert_eq!(judge(Severity::Critical, "none"), (true, 0, vec![]));
    assert_eq!(judge(Severity::Critical, "high,fixable"), (true, 0, vec![]));
    assert_eq!(Case { fix: "f:2", ..Case::new(Severity::Critical) }.judge("high,fixable", &[]), (false, 1, vec![]));
}

#[test]
fn ignorance_does_not_pass_a_gate_unless_it_is_allowed_by_name() {
    let check = |case: Case, kind: Ignorance, why: &str| {
        let (passed, failing, ignorance) = case.judge("critical", &[]);
        assert_eq!((passed, failing, ignorance.len()), (false, 0, 1), "{ignorance:?}");
        assert_eq!(ignorance[0].0, kind);
        assert!(ignorance[0].1.contains(why), "{}", ignorance[0].1);
        let others: Vec<Ignorance> = Ignorance::ALL.iter().copied().filter(|i| *i != kind).collect();
        assert!(!case.judge("critical", &others).0, "opting out of something else does not help");
        assert!(case.judge("critical", &[kind]).0);
        assert!(case.judge("none", &[]).0, "without gate nothing is asked");
    };
    let low = || Case::new(Severity::Low);
    let unknown = Distro { state: DistroState::Unknown("os-release is missing".into()), ..debian("12") };
    check(Case { distro: unknown, ..low() }, Ignorance::Uncovered, "os-release is missing");
    let extra = vec![package("pkg:pypi/x@1")];
    check(Case { extra, ..low() }, Ignorance::Uncovered, "no feed in the database speaks for PyPI (1 package)");
    check(Case { age_days: 8, ..low() }, Ignorance::Stale, "the database is 8 days old");
    check(Case { age_days: -1, ..low() }, Ignorance::Stale, "built in the future");
    let problems = vec![Problem::new("zip-malformed", "a.jar", "read the archive", "it is cut short")];
    check(Case { problems, ..low() }, Ignorance::Unreadable, "could not read the archive in a.jar: it is cut short");
}

#[test]
fn a_database_of_seven_days_is_not_stale() {
    assert!(Case { age_days: 7, ..Case::new(Severity::Low) }.judge("high", &[]).0);
}

proptest::proptest! {
    /// More records never take a finding away, whatever aliases they claim: nobody can hide a
    /// vulnerability by publishing another record.
    #[test]
    fn a_further_record_of_another_feed_hides_nothing(
        id in "(CVE|GHSA)-[1-3]", alias in "(CVE|GHSA)-[1-3]", withdrawn: bool, events in "(i:0|i:0 f:1|i:5)",
    ) {
        let base = vec![
            aka(record("GHSA-1", "osv", "Maven", "g:a", "i:0"), &["CVE-1"]),
            record("CVE-2", "osv", "Maven", "g:a", "i:0 f:9"),
        ];
        let names = |findings: &Findings| -> std::collections::BTreeSet<String> {
            let each = |f: &cleanbill_model::Finding| {
                let mut names = f.aliases.clone();
                names.push(f.id.clone());
                names
            };
            findings.findings.iter().flat_map(each).collect()
        };
        let packages = || vec![package("pkg:maven/g/a@1")];
        let before = names(&found(Distro::default(), packages(), base.clone()));
        let mut more = aka(record(&id, "another", "Maven", "g:a", &events), &[&alias]);
        more.withdrawn = withdrawn.then(now);
        let after = names(&found(Distro::default(), packages(), [base, vec![more]].concat()));
        proptest::prop_assert!(after.is_superset(&before), "{:?} {:?}", before, after);
    }
}

#[test]
fn a_gate_that_asks_for_a_feed_which_is_not_there_is_not_passed() {
    let (passed, failing, ignorance) = Case::new(Severity::Critical).judge("high,kev", &[]);
    assert_eq!((passed, failing), (false, 0));
    assert!(ignorance[0].1.contains("known exploited vulnerabilities"), "{ignorance:?}");
    let (passed, _, ignorance) = Case::new(Severity::Critical).judge("high,epss>=0.5", &[]);
    assert!(!passed && ignorance[0].1.contains("exploit predictions"), "{ignorance:?}");
}

/// A Python package that a Debian package owns, each in its layer; what Debian says of the CVE.
#[derive(Clone, Copy)]
struct Owned {
    file_layer: &'static str,
    list_layer: &'static str,
    debian: Option<(&'static str, FixState)>,
}

impl Owned {
    fn suppressed(&self, base: &[&str]) -> Option<String> {
        let at = |path: &str, layer: &str| Location { path: path.into(), layer: Some(Digest::sha256(layer)) };
        let owner = Package {
            locations: vec![at("var/lib/dpkg/status", self.list_layer)],
            ..deb("python3-requests", "2.28.1+dfsg-1", "requests", "2.28.1+dfsg-1")
        };
        let owned = Package {
            locations: vec![at("usr/lib/python3/dist-packages/requests.dist-info/METADATA", self.file_layer)],
            owner: Some(owner.purl.clone()),
            ..package("pkg:pypi/requests@2.28.1")
        };
        let mut advisories = vec![Advisory {
            aliases: vec!["CVE-1".into()],
            ..record("GHSA-1", "osv", "PyPI", "requests", "i:0 f:2.31.0")
        }];
        if let Some((events, state)) = self.debian {
            let mut said = record("CVE-1", "debian-tracker", "Debian:12", "requests", events);
            said.affected[0].fix_state = state;
            advisories.push(said);
        }
        let options = MatchOptions { base: base.iter().map(|b| Digest::sha256(*b)).collect() };
        let sbom = sbom(debian("12"), vec![owner, owned]);
        let findings = match_sbom(&sbom, &database(advisories), &options).unwrap();
        let of_language = findings.findings.into_iter().find(|f| f.package.purl.kind == "pypi").unwrap();
        of_language.suppressed.map(|s| s.why)
    }
}

#[test]
fn a_distribution_settles_findings_in_what_it_installed() {
    let fixed = Some(("i:0 f:2.28.1+dfsg-1", FixState::ByRange));
    let settled = Owned { file_layer: "base", list_layer: "base", debian: fixed };
    assert!(settled.suppressed(&["base"]).is_some_and(|why| why.contains("not affected")));
    let not_affected = Some(("i:0", FixState::NotAffected));
    assert!(Owned { debian: not_affected, ..settled }.suppressed(&["base"]).is_some());
    // Without a base that the operator named, or with one part outside it, nothing is settled.
    assert_eq!(settled.suppressed(&[]), None);
    assert_eq!(Owned { file_layer: "app", ..settled }.suppressed(&["base"]), None);
    assert_eq!(Owned { list_layer: "app", ..settled }.suppressed(&["base"]), None);
    // Where the distribution is silent, or says that it is affected, the finding stands.
    assert_eq!(Owned { debian: None, ..settled }.suppressed(&["base"]), None);
    assert_eq!(Owned { debian: Some(("i:0", FixState::ByRange)), ..settled }.suppressed(&["base"]), None);
}

#[test]
fn names_are_compared_in_their_ecosystems_spelling() {
    let hits = |purl: &str, ecosystem: &str, name: &str| {
        let advisories = vec![record("X-1", "osv", ecosystem, name, "i:0")];
        found(Distro::default(), vec![package(purl)], advisories).findings.len()
    };
    assert_eq!(hits("pkg:pypi/flask-sqlalchemy@1", "PyPI", "Flask_SQLAlchemy"), 1);
    assert_eq!(hits("pkg:nuget/newtonsoft.json@1", "NuGet", "Newtonsoft.Json"), 1);
    assert_eq!(hits("pkg:composer/Symfony/HttpKernel@1", "Packagist", "symfony/httpkernel"), 1);
    assert_eq!(hits("pkg:npm/jsonstream@1", "npm", "JSONStream"), 0);
}

#[test]
fn an_explanation_names_every_record_beside_every_package() {
    let advisories =
        vec![record("CVE-1", "osv", "Maven", "g:a", "i:0 f:2"), record("CVE-2", "osv", "Maven", "g:a", "i:0")];
    let packages = vec![package("pkg:maven/g/a@1"), package("pkg:maven/g/a@3"), package("pkg:maven/g/b@1")];
    let said = explain(&sbom(Distro::default(), packages), &database(advisories), "CVE-1").unwrap();
    let said: Vec<_> = said.iter().map(|e| (e.package.version.as_str(), e.affected, e.why.as_str())).collect();
    assert_eq!(said[0].0, "1");
    assert!(said[0].1 && said[0].2.contains("in the range < 2; fixed in 2; looked up by maven name g:a"), "{said:?}");
    assert!(!said[1].1 && said[1].2.contains("version 3 is not affected; the record names fixes in 2"), "{said:?}");
    assert_eq!(said.len(), 2);
}

#[test]
fn an_erratum_about_several_vulnerabilities_is_a_finding_of_each() {
    let mut erratum = record("ALSA-2024:1", "osv", "AlmaLinux:9", "openssl", "i:0 f:1:3.0.7-25");
    erratum.upstream = vec!["CVE-2023-1".into(), "CVE-2023-2".into()];
    let distro =
        Distro { id: "almalinux".into(), version: "9.3".into(), state: DistroState::Confirmed, ..Distro::default() };
    let installed = Package { version: "1:3.0.7-24".into(), ..package("pkg:rpm/almalinux/openssl@3.0.7-24?epoch=1") };
    let fixed = Package { version: "1:3.0.7-25".into(), ..package("pkg:rpm/almalinux/openssl@3.0.7-25?epoch=1") };
    let findings = found(distro.clone(), vec![Package { name: "openssl".into(), ..installed }], vec![erratum.clone()]);
    let ids: Vec<_> = findings.findings.iter().map(|f| (f.id.as_str(), f.aliases.join(" "))).collect();
    assert_eq!(ids, [("CVE-2023-1", "ALSA-2024:1".to_owned()), ("CVE-2023-2", "ALSA-2024:1".to_owned())]);
    let none = found(distro, vec![Package { name: "openssl".into(), ..fixed }], vec![erratum]);
    assert!(none.findings.is_empty());
}
