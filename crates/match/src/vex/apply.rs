//! Statements against findings.
//!
//! Of all statements about one finding, those that name what the package is in (an image, a package
//! around it) decide before those that name the package alone: whether code is reached is known where it
//! is used. Among statements about the same thing the latest wins, then the one that stands later. A
//! finding is suppressed if every winner says so: what is affected by one word stays.

use std::collections::{BTreeMap, HashMap};

use cleanbill_model::{Distro, Finding, Findings, Package, Purl, Reference, Sbom, Suppression, Timestamp};

use super::{Context, Statement, Target, Vex, VexStatus};

/// A statement, and of how many findings it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementUse {
    /// The document, for people.
    pub document: String,
    /// The vulnerability as the document names it.
    pub vulnerability: String,
    /// What it says.
    pub status: VexStatus,
    /// Findings.
    pub findings: usize,
}

/// What documents did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VexApplied {
    /// Statements that decided that findings do not count.
    pub used: Vec<StatementUse>,
    /// Statements that decided that findings do count (affected, under investigation).
    pub standing: Vec<StatementUse>,
    /// Statements that decided nothing: about something else, or taken back by others.
    pub unused: usize,
}

/// What a statement and a finding meet in: statements about the same are ordered by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    /// The component, in the image or package that is named.
    PartOfProduct,
    /// The whole image.
    Image,
    /// The package, wherever it is.
    Package,
}

/// Applies documents together; findings keep their number and order, and what is suppressed already keeps
/// its first reason.
pub fn apply_vex(documents: &[Vex], findings: &mut Findings, sbom: &Sbom) -> VexApplied {
    let all: Vec<(&Vex, &Statement)> =
        documents.iter().flat_map(|vex| vex.statements.iter().map(move |s| (vex, s))).collect();
    let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
    for (i, (_, statement)) in all.iter().enumerate() {
        for name in &statement.names {
            by_name.entry(name.to_ascii_lowercase()).or_default().push(i);
        }
    }
    let place = Place::new(sbom);
    let mut deciding: BTreeMap<usize, usize> = BTreeMap::new();
    for finding in &mut findings.findings {
        let Some((i, target)) = decide(finding, &all, &by_name, &place) else { continue };
        let (vex, statement) = all[i];
        *deciding.entry(i).or_default() += 1;
        if finding.suppressed.is_none() && statement.status.suppresses() {
            let by = format!("VEX document {}", vex.shown());
            let about = format!("{} of {}", statement.status.name(), target.shown());
            let why = if target.why.is_empty() { about } else { format!("{about}: {}", target.why) };
            finding.suppressed = Some(Suppression { by, why, until: None });
        }
    }
    let mut applied = VexApplied { unused: all.len() - deciding.len(), ..VexApplied::default() };
    for (i, findings) in deciding {
        let (vex, statement) = all[i];
        let vulnerability = statement.names.first().cloned().unwrap_or_default();
        let used = StatementUse { document: vex.shown(), vulnerability, status: statement.status, findings };
        let list = if statement.status.suppresses() { &mut applied.used } else { &mut applied.standing };
        list.push(used);
    }
    applied
}

/// The statement that decides over a finding.
fn decide<'a>(
    finding: &Finding,
    all: &[(&'a Vex, &'a Statement)],
    by_name: &HashMap<String, Vec<usize>>,
    place: &Place<'_>,
) -> Option<(usize, &'a Target)> {
    let names = std::iter::once(&finding.id).chain(&finding.aliases);
    let mut about: Vec<usize> =
        names.filter_map(|name| by_name.get(&name.to_ascii_lowercase())).flatten().copied().collect();
    about.sort_unstable();
    about.dedup();
    let mut latest: BTreeMap<Scope, (Option<Timestamp>, usize, &Target)> = BTreeMap::new();
    for i in about {
        let statement = all[i].1;
        for target in &statement.targets {
            let Some(scope) = place.meets(target, &finding.package) else { continue };
            let held = latest.entry(scope).or_insert((statement.at, i, target));
            // Of two at the same time the later in order; nothing is said about time by silence.
            if (held.0, held.1) < (statement.at, i) {
                *held = (statement.at, i, target);
            }
        }
    }
    if latest.keys().any(|scope| *scope != Scope::Package) {
        latest.remove(&Scope::Package);
    }
    let standing = latest.values().find(|(_, i, _)| !all[*i].1.status.suppresses());
    standing.or_else(|| latest.values().next()).map(|(_, i, target)| (*i, *target))
}

/// The image, prepared for being asked what is in what.
struct Place<'a> {
    sbom: &'a Sbom,
    reference: Option<Reference>,
    by_kind_and_name: HashMap<(&'a str, String), Vec<&'a Package>>,
}

impl<'a> Place<'a> {
    fn new(sbom: &'a Sbom) -> Self {
        let mut by_kind_and_name: HashMap<_, Vec<&Package>> = HashMap::new();
        for package in &sbom.packages {
            by_kind_and_name.entry(key(&package.purl)).or_default().push(package);
        }
        Self { sbom, reference: Reference::parse(&sbom.subject.name).ok(), by_kind_and_name }
    }

    fn distro(&self) -> &Distro {
        &self.sbom.distro
    }

    fn meets(&self, target: &Target, package: &Package) -> Option<Scope> {
        // The component first: most statements fail there, and it costs least.
        if target.component.as_ref().is_some_and(|thing| !thing.is_package(package, self.distro())) {
            return None;
        }
        if !target.contexts.iter().all(|context| self.holds(context, package)) {
            return None;
        }
        Some(match (&target.component, target.contexts.is_empty()) {
            (Some(_), true) => Scope::Package,
            (Some(_), false) => Scope::PartOfProduct,
            (None, _) => Scope::Image,
        })
    }

    /// Whether a package is in what a context names.
    fn holds(&self, context: &Context, package: &Package) -> bool {
        let thing = &context.thing;
        if thing.is_image() {
            return thing.is_image_of(self.sbom, self.reference.as_ref());
        }
        if thing.is_platform() {
            // A distribution answers for what it packaged itself, not for all that runs on it.
            return thing.is_distro(self.distro()) && package.is_distribution();
        }
        let Some(first) = thing.package_purls().first() else { return false };
        let candidates = self.by_kind_and_name.get(&key(first)).into_iter().flatten();
        candidates
            .filter(|outer| thing.is_package(outer, self.distro()))
            .any(|outer| context.beside || contains(outer, package))
    }
}

/// Names are compared loosely here; the exact look follows.
fn key(purl: &Purl) -> (&str, String) {
    let name = purl.name.to_ascii_lowercase().replace(['_', '.'], "-");
    (&purl.kind, name)
}

/// Whether every file that proves `inner` lies in one that proves `outer`.
fn contains(outer: &Package, inner: &Package) -> bool {
    !inner.locations.is_empty()
        && inner.locations.iter().all(|file| {
            outer
                .locations
                .iter()
                .any(|around| around.layer == file.layer && lies_in(&file.path, &around.path, &outer.purl))
        })
}

/// A jar in a jar, a module below a module's own folder, a module in the executable that bears the name
/// of the outer one. One file that proves both says nothing else: a package database proves all of them.
fn lies_in(file: &str, around: &str, outer: &Purl) -> bool {
    match outer.kind.as_str() {
        "npm" => {
            let below = around.strip_suffix("package.json").and_then(|folder| file.strip_prefix(folder));
            below.is_some_and(|rest| rest.starts_with("node_modules/"))
        }
        "golang" | "cargo" => {
            let executable = around.rsplit('/').next().unwrap_or_default();
            let executable = executable.strip_suffix(".exe").unwrap_or(executable);
            let major = outer.name.strip_prefix('v').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
            let above = outer.namespace.rsplit('/').next().unwrap_or_default();
            file == around && (executable == outer.name || major && executable == above)
        }
        _ => file.strip_prefix(around).is_some_and(|rest| rest.starts_with("!/")),
    }
}
