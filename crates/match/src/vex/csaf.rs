//! CSAF 2.0 (OASIS `csaf-v2.0-os.md`): the VEX profile, and security advisories, which say the same.
//!
//! A product is what its identification helper says: package URL, CPE, hashes. The names of branches are
//! words, with two exceptions that only narrow: the version of a branch limits a package URL without
//! one, and a range of versions that is not understood makes it match nothing. A relationship is a
//! component in a product, or in another relationship.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::{Context, Draft, Statement, Target, Thing, Vex, VexError, VexFormat, VexStatus, reason};

const FORMAT: &str = "CSAF";
/// How long a chain of relationships may be; Red Hat's modules need two.
const MAX_CHAIN: usize = 8;

#[derive(Deserialize)]
struct Document {
    document: Head,
    product_tree: Option<Tree>,
    vulnerabilities: Option<Vec<Vulnerability>>,
}

#[derive(Deserialize)]
struct Head {
    csaf_version: String,
    publisher: Option<Publisher>,
    tracking: Option<Tracking>,
}

#[derive(Deserialize)]
struct Publisher {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Tracking {
    id: Option<String>,
    current_release_date: Option<String>,
    status: Option<String>,
}

#[derive(Deserialize)]
struct Tree {
    #[serde(default)]
    branches: Vec<Branch>,
    #[serde(default)]
    full_product_names: Vec<Product>,
    #[serde(default)]
    relationships: Vec<Relationship>,
    #[serde(default)]
    product_groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    category: String,
    #[serde(default)]
    name: String,
    product: Option<Product>,
    #[serde(default)]
    branches: Vec<Branch>,
}

#[derive(Deserialize)]
struct Product {
    product_id: String,
    #[serde(default)]
    name: String,
    product_identification_helper: Option<Helper>,
}

#[derive(Deserialize, Default)]
struct Helper {
    purl: Option<String>,
    #[serde(default)]
    purls: Vec<String>,
    cpe: Option<String>,
    #[serde(default)]
    hashes: Vec<Hashes>,
    #[serde(default)]
    model_numbers: Vec<String>,
    #[serde(default)]
    serial_numbers: Vec<String>,
    #[serde(default)]
    skus: Vec<String>,
}

#[derive(Deserialize)]
struct Hashes {
    #[serde(default)]
    file_hashes: Vec<FileHash>,
}

#[derive(Deserialize)]
struct FileHash {
    algorithm: String,
    value: String,
}

#[derive(Deserialize)]
struct Relationship {
    #[serde(default)]
    category: String,
    product_reference: String,
    relates_to_product_reference: String,
    full_product_name: Product,
}

#[derive(Deserialize)]
struct Group {
    group_id: String,
    #[serde(default)]
    product_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Vulnerability {
    cve: Option<String>,
    #[serde(default)]
    ids: Vec<Id>,
    #[serde(default)]
    product_status: Status,
    #[serde(default)]
    flags: Vec<Flag>,
    #[serde(default)]
    threats: Vec<Threat>,
}

#[derive(Deserialize)]
struct Id {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    first_affected: Vec<String>,
    first_fixed: Vec<String>,
    fixed: Vec<String>,
    known_affected: Vec<String>,
    known_not_affected: Vec<String>,
    last_affected: Vec<String>,
    under_investigation: Vec<String>,
}

#[derive(Deserialize)]
struct Flag {
    #[serde(default)]
    label: String,
    #[serde(default)]
    product_ids: Vec<String>,
    #[serde(default)]
    group_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Threat {
    #[serde(default)]
    category: String,
    #[serde(default)]
    details: String,
    #[serde(default)]
    product_ids: Vec<String>,
    #[serde(default)]
    group_ids: Vec<String>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Vex, VexError> {
    let shape = |why: String| VexError::Shape { format: FORMAT, why };
    let document: Document = serde_json::from_slice(bytes).map_err(|e| shape(e.to_string()))?;
    if document.document.csaf_version != "2.0" {
        return Err(VexError::Version { format: FORMAT, version: document.document.csaf_version, known: "2.0" });
    }
    let mut draft = Draft::new(VexFormat::Csaf);
    let (mut id, mut author) = (String::new(), String::new());
    if let Some(tracking) = document.document.tracking {
        draft.timestamp = draft.time(tracking.current_release_date.as_deref(), "the document");
        if tracking.status.as_deref() == Some("draft") {
            draft.problem("vex-draft", "read the document", "it calls itself a draft");
        }
        id = tracking.id.unwrap_or_default();
    }
    if let Some(publisher) = document.document.publisher {
        author = publisher.name.unwrap_or_default();
    }
    let tree = document.product_tree.as_ref().map(Products::new).unwrap_or_default();
    for (i, vulnerability) in document.vulnerabilities.iter().flatten().enumerate() {
        statements(&mut draft, vulnerability, i, &tree)?;
    }
    Ok(draft.finish(id, author))
}

fn statements(
    draft: &mut Draft,
    vulnerability: &Vulnerability,
    place: usize,
    tree: &Products<'_>,
) -> Result<(), VexError> {
    // Further ids are those of a tracker, which only count where there is no CVE.
    let names: Vec<String> = match &vulnerability.cve {
        Some(cve) => vec![cve.clone()],
        None => vulnerability.ids.iter().map(|id| id.text.clone()).filter(|id| !id.is_empty()).collect(),
    };
    let mut whys: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut of_all: Vec<&str> = Vec::new();
    for flag in &vulnerability.flags {
        tree.each(&flag.product_ids, &flag.group_ids, |id| whys.entry(id).or_default().push(&flag.label));
    }
    for threat in vulnerability.threats.iter().filter(|t| t.category == "impact") {
        tree.each(&threat.product_ids, &threat.group_ids, |id| whys.entry(id).or_default().push(&threat.details));
        if threat.product_ids.is_empty() && threat.group_ids.is_empty() {
            of_all.push(&threat.details);
        }
    }
    let said = &vulnerability.product_status;
    // Where a document contradicts itself, the last one said wins: what is affected comes last.
    let groups: [(&str, VexStatus, [&[String]; 3]); 4] = [
        ("fixed", VexStatus::Fixed, [&said.fixed, &said.first_fixed, &[]]),
        ("known_not_affected", VexStatus::NotAffected, [&said.known_not_affected, &[], &[]]),
        ("under_investigation", VexStatus::UnderInvestigation, [&said.under_investigation, &[], &[]]),
        ("known_affected", VexStatus::Affected, [&said.known_affected, &said.first_affected, &said.last_affected]),
    ];
    for (word, status, lists) in groups {
        let ids: Vec<&String> = lists.into_iter().flatten().collect();
        if ids.is_empty() {
            continue;
        }
        let name = names.first().map_or("a vulnerability without name", String::as_str);
        let what = format!("{word} of {name} (vulnerability {})", place + 1);
        let mut targets = Vec::new();
        let mut unknown = Vec::new();
        for id in ids {
            let parts = whys.get(id.as_str()).into_iter().flatten().chain(&of_all).map(|p| Some(*p));
            let why = if status.suppresses() { reason(None, &parts.collect::<Vec<_>>()) } else { String::new() };
            match tree.target(id, &why) {
                Some(target) => targets.push(target),
                None => unknown.push(id.as_str()),
            }
        }
        if let Some(first) = unknown.first() {
            let why = format!("{} product ids are not in the product tree, the first is `{first}`", unknown.len());
            draft.problem("vex-product", format!("use {what}"), why);
            if targets.is_empty() {
                continue;
            }
        }
        draft.add(&what, Statement { names: names.clone(), status, targets, at: draft.timestamp })?;
    }
    Ok(())
}

/// The product tree by id.
#[derive(Default)]
struct Products<'a> {
    things: HashMap<&'a str, Thing>,
    relationships: HashMap<&'a str, &'a Relationship>,
    groups: HashMap<&'a str, &'a [String]>,
}

impl<'a> Products<'a> {
    fn new(tree: &'a Tree) -> Self {
        let mut products = Self::default();
        for product in &tree.full_product_names {
            products.things.insert(&product.product_id, thing(product, None));
        }
        for branch in &tree.branches {
            products.branch(branch, None);
        }
        for relationship in &tree.relationships {
            products.relationships.insert(&relationship.full_product_name.product_id, relationship);
        }
        for group in &tree.product_groups {
            products.groups.insert(&group.group_id, &group.product_ids);
        }
        products
    }

    /// Branches nest as deep as JSON is read.
    fn branch(&mut self, branch: &'a Branch, version: Option<&'a Branch>) {
        let own = matches!(branch.category.as_str(), "product_version" | "product_version_range");
        let version = if own { Some(branch) } else { version };
        if let Some(product) = &branch.product {
            self.things.insert(&product.product_id, thing(product, version));
        }
        for inner in &branch.branches {
            self.branch(inner, version);
        }
    }

    /// The products that a flag or a threat is about.
    fn each(&self, ids: &'a [String], groups: &[String], mut then: impl FnMut(&'a str)) {
        let of_groups = groups.iter().filter_map(|g| self.groups.get(g.as_str()));
        for id in ids.iter().chain(of_groups.flat_map(|ids| ids.iter())) {
            then(id);
        }
    }

    fn target(&self, id: &str, why: &str) -> Option<Target> {
        if let Some(thing) = self.things.get(id) {
            return Some(Target::product(thing.clone(), why));
        }
        let mut contexts = Vec::new();
        let mut seen = HashSet::new();
        let component = self.resolve(id, &mut contexts, &mut seen)?;
        // Red Hat's images are components of the product they are published with, which no image shows;
        // the digest alone says which image is meant.
        if component.is_image_by_digest() && contexts.iter().all(|c| c.thing.is_platform()) {
            return Some(Target::product(component, why));
        }
        Some(Target { contexts, component: Some(component), why: why.to_owned() })
    }

    /// The innermost component of a relationship; what it is in goes to `contexts`.
    fn resolve(&self, id: &str, contexts: &mut Vec<Context>, seen: &mut HashSet<String>) -> Option<Thing> {
        if let Some(thing) = self.things.get(id) {
            return Some(thing.clone());
        }
        if seen.len() >= MAX_CHAIN || !seen.insert(id.to_owned()) {
            return None;
        }
        let relationship = self.relationships.get(id)?;
        let component = self.resolve(&relationship.product_reference, contexts, seen)?;
        let beside = relationship.category == "installed_with";
        let outer = self.resolve(&relationship.relates_to_product_reference, contexts, seen)?;
        contexts.push(Context { thing: outer, beside });
        Some(component)
    }
}

fn thing(product: &Product, version: Option<&Branch>) -> Thing {
    let shown = if product.name.is_empty() { &product.product_id } else { &product.name };
    let mut thing = Thing::new(shown);
    let Some(helper) = &product.product_identification_helper else { return thing };
    for purl in helper.purl.iter().chain(&helper.purls) {
        if !thing.purl(purl) {
            thing.limit_not_understood();
        }
    }
    if let Some(cpe) = &helper.cpe {
        thing.cpe(cpe);
    }
    let hashes = helper.hashes.iter().flat_map(|h| &h.file_hashes);
    thing.hashes(hashes.map(|h| (h.algorithm.as_str(), h.value.as_str())));
    if !helper.model_numbers.is_empty() || !helper.serial_numbers.is_empty() || !helper.skus.is_empty() {
        thing.limit_not_understood();
    }
    match version {
        Some(branch) if branch.category == "product_version_range" => thing.limit_not_understood(),
        // Red Hat writes the component's name where the version should be.
        Some(branch) if !is_name(&branch.name, &thing) => thing.only(vec![branch.name.clone()]),
        _ => {}
    }
    thing
}

fn is_name(text: &str, thing: &Thing) -> bool {
    let last = text.rsplit(['/', ':']).next().unwrap_or_default();
    thing.package_purls().iter().any(|purl| last == purl.name || text == purl.name)
}
