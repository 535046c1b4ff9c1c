//! What is known of vulnerabilities: the database given at start and the watched folders, as one.
//!
//! Look-ups go over both. Where both have a record of one feed under one id, the folder's counts:
//! it is what the operator put there last.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cleanbill_advisory::{Database, DatabaseError, FeedInfo};
use cleanbill_model::{Advisory, Digest, Timestamp};

use crate::evaluate::overruled;
use crate::index::{Index, Known, Packages};

/// Feed and id of a record.
pub(crate) type RecordKey = (String, String);

/// What is remembered of a watched record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordNote {
    /// Hash of its content.
    pub(crate) hash: String,
    /// The ecosystems and names it speaks of.
    pub(crate) keys: BTreeSet<(String, String)>,
    /// The generation that brought it in its present form; 0: there from the first start on.
    pub(crate) generation: u64,
}

/// How the watched folders stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdvisoryStatus {
    /// When they were last looked at.
    pub looked_at: Option<Timestamp>,
    /// When what is in use was read.
    pub loaded_at: Option<Timestamp>,
    /// Files in use.
    pub files: usize,
    /// Records in use.
    pub records: usize,
    /// A change that was refused: which file, and why. The data before it stays in use.
    pub error: Option<String>,
}

/// Everything known.
#[derive(Default)]
pub(crate) struct Advisories {
    pub(crate) base: Option<Database>,
    pub(crate) folder: Option<Database>,
    pub(crate) notes: HashMap<RecordKey, RecordNote>,
    /// Raised with each change of the watched records.
    pub(crate) generation: u64,
    pub(crate) status: AdvisoryStatus,
}

/// The hash of a record's content.
pub(crate) fn content_hash(advisory: &Advisory) -> String {
    Digest::sha256(format!("{advisory:?}")).hex()[..32].to_owned()
}

/// Notes of all records of a database, all of generation `generation`.
pub(crate) fn notes_of(database: &Database, generation: u64) -> Result<HashMap<RecordKey, RecordNote>, DatabaseError> {
    let mut notes: HashMap<RecordKey, RecordNote> = HashMap::new();
    for advisory in database.all()? {
        let note = notes.entry((advisory.feed.clone(), advisory.id.clone())).or_insert_with(|| RecordNote {
            hash: String::new(),
            keys: BTreeSet::new(),
            generation,
        });
        // Two records under one id are one record whose hash covers both.
        note.hash = match note.hash.as_str() {
            "" => content_hash(&advisory),
            before => Digest::sha256(format!("{before}{}", content_hash(&advisory))).hex()[..32].to_owned(),
        };
        note.keys.extend(advisory.affected.iter().map(|a| (a.ecosystem.clone(), a.name.clone())));
    }
    Ok(notes)
}

impl Advisories {
    /// Takes the watched records in place of those before.
    pub(crate) fn install(
        &mut self,
        database: Database,
        notes: HashMap<RecordKey, RecordNote>,
        generation: u64,
        files: usize,
        at: Timestamp,
    ) {
        self.status =
            AdvisoryStatus { looked_at: Some(at), loaded_at: Some(at), files, records: notes.len(), error: None };
        self.folder = Some(database);
        self.notes = notes;
        self.generation = generation;
    }

    fn merged(
        &self,
        look: impl Fn(&Database) -> Result<Vec<Arc<Advisory>>, DatabaseError>,
    ) -> Result<Vec<(Arc<Advisory>, bool)>, DatabaseError> {
        let mut found = Vec::new();
        if let Some(folder) = &self.folder {
            found.extend(look(folder)?.into_iter().map(|a| (a, false)));
        }
        if let Some(base) = &self.base {
            let own = look(base)?.into_iter();
            found.extend(own.filter(|a| !self.notes.contains_key(&(a.feed.clone(), a.id.clone()))).map(|a| (a, true)));
        }
        Ok(found)
    }

    /// The records that bear an id or have it as an alias.
    pub(crate) fn by_id(&self, id: &str) -> Result<Vec<Arc<Advisory>>, DatabaseError> {
        Ok(self.merged(|d| d.by_id(id))?.into_iter().map(|(a, _)| a).collect())
    }

    /// The records of one vulnerability: those of the id, and those of the name its group goes by.
    pub(crate) fn group(&self, id: &str) -> Result<Vec<Arc<Advisory>>, DatabaseError> {
        let mut records = self.by_id(id)?;
        let groups: BTreeSet<String> =
            records.iter().map(|r| cleanbill_match::group_id(r)).filter(|g| g != id).collect();
        for group in groups {
            for record in self.by_id(&group)? {
                if !records.contains(&record) {
                    records.push(record);
                }
            }
        }
        Ok(records)
    }

    /// The feeds that speak for an ecosystem.
    pub(crate) fn covers(&self, ecosystem: &str) -> bool {
        [&self.base, &self.folder].into_iter().flatten().any(|d| !d.feeds_for(ecosystem).is_empty())
    }

    /// All feeds, the watched ones marked.
    pub(crate) fn feeds(&self) -> Vec<(FeedInfo, bool)> {
        let of = |database: &Option<Database>, watched| {
            database.iter().flat_map(|d| d.info().feeds).map(|f| (f, watched)).collect::<Vec<_>>()
        };
        [of(&self.base, false), of(&self.folder, true)].concat()
    }

    /// The vulnerabilities of one package, by group.
    fn groups_of(&self, packages: &Packages, ordinal: u32) -> Result<BTreeMap<String, Known>, DatabaseError> {
        let entry = packages.get(ordinal);
        let mut groups: BTreeMap<String, Known> = BTreeMap::new();
        for (ecosystem, name) in &entry.keys {
            let found = self.merged(|d| d.lookup(ecosystem, name))?;
            for (advisory, base) in &found {
                let group = cleanbill_match::group_id(advisory);
                let of_group: Vec<_> =
                    found.iter().map(|(a, _)| a).filter(|a| cleanbill_match::group_id(a) == group).cloned().collect();
                if advisory.withdrawn.is_some()
                    || overruled(advisory, &of_group, ecosystem, name)
                    || cleanbill_match::hit(advisory, &entry.package, &entry.distro).is_none()
                {
                    continue;
                }
                let known = groups.entry(group).or_default();
                if *base {
                    known.base = true;
                } else {
                    let note = self.notes.get(&(advisory.feed.clone(), advisory.id.clone()));
                    let generation = note.map_or(self.generation, |n| n.generation);
                    known.folder = Some(known.folder.map_or(generation, |g| g.min(generation)));
                }
            }
        }
        Ok(groups)
    }

    /// Brings what is known of these packages up to date; gives the manifests that have one of them.
    /// A package whose records cannot be read keeps what was known of it.
    pub(crate) fn rematch(&self, index: &mut Index, ordinals: impl IntoIterator<Item = u32>) -> BTreeSet<Digest> {
        let mut dirty = BTreeSet::new();
        for ordinal in ordinals {
            match self.groups_of(&index.packages, ordinal) {
                Ok(groups) => {
                    if index.packages.get(ordinal).groups != groups {
                        let images = &index.packages.get(ordinal).images;
                        dirty.extend(images.iter().map(|i| index.images.get(i).manifest.clone()));
                        index.packages.get_mut(ordinal).groups = groups;
                    }
                }
                Err(error) => {
                    let purl = &index.packages.get(ordinal).package.purl;
                    tracing::error!("could not look up advisories of {purl}: {error}; what was known of it stays");
                }
            }
        }
        dirty
    }
}
