//! Images by every digest they go by, and what became of those that were asked for.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cleanbill_model::{Digest, Distro, ImageIdentity, Platform, Timestamp};
use cleanbill_protocol::WantedImage;

/// How long an asked-for image is not asked for again.
const PENDING_SECONDS: i64 = 600;
/// How long an image with an SBOM of older catalogers is not asked for again.
const STALE_SECONDS: i64 = 3600;

/// An image whose SBOM is known.
#[derive(Debug)]
pub(crate) struct ImageEntry {
    pub(crate) manifest: Digest,
    /// Its identities: more than one where several indexes name the manifest.
    identities: Vec<ImageIdentity>,
    /// What else it was found under: digests that are none of its own, for the platform asked for.
    also: BTreeSet<(Digest, Option<Platform>)>,
    pub(crate) distro: Arc<Distro>,
    /// Ordinals of its packages, sorted.
    pub(crate) packages: Vec<u32>,
    /// Digest of the SBOM document.
    pub(crate) sbom: Digest,
    /// Made by older catalogers: in use, but wanted again.
    pub(crate) stale: bool,
    /// How many things in it could not be read.
    pub(crate) problems: usize,
}

impl ImageEntry {
    /// Every digest a container of it may be reported with.
    pub(crate) fn digests(&self) -> BTreeSet<&Digest> {
        let own = self.identities.iter().flat_map(|i| i.index.iter().chain([&i.manifest, &i.config]));
        own.chain(self.also.iter().map(|(digest, _)| digest)).collect()
    }

    /// Whether a container reported with `digest` on a node of `platform` runs it.
    pub(crate) fn runs_as(&self, digest: &Digest, platform: Option<&Platform>) -> bool {
        self.identities.iter().any(|i| i.runs_as(digest, platform))
            || self.also.iter().any(|(own, node)| own == digest && node.as_ref() == platform)
    }
}

/// What became of a wanted image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RecordState {
    /// Its SBOM is there.
    Ready,
    /// It could not be had.
    Failed { why: String, tries: u32, retry_at: Timestamp },
}

/// All images.
#[derive(Default)]
pub(crate) struct Images {
    entries: Vec<ImageEntry>,
    by_digest: HashMap<Digest, Vec<u32>>,
    by_manifest: HashMap<Digest, u32>,
    pub(crate) records: HashMap<WantedImage, RecordState>,
    /// Not before when to ask (again).
    not_before: HashMap<WantedImage, Timestamp>,
}

impl Images {
    /// An image by its ordinal.
    pub(crate) fn get(&self, ordinal: u32) -> &ImageEntry {
        &self.entries[ordinal as usize]
    }

    pub(crate) fn get_mut(&mut self, ordinal: u32) -> &mut ImageEntry {
        &mut self.entries[ordinal as usize]
    }

    /// Number of images.
    pub(crate) fn len(&self) -> u32 {
        self.entries.len() as u32
    }

    /// By manifest digest.
    pub(crate) fn by_manifest(&self, manifest: &Digest) -> Option<u32> {
        self.by_manifest.get(manifest).copied()
    }

    /// By any digest: index, manifest, configuration.
    pub(crate) fn by_digest(&self, digest: &Digest) -> &[u32] {
        self.by_digest.get(digest).map_or(&[], Vec::as_slice)
    }

    /// The images that a container reported with `digest` on a node of `platform` runs.
    pub(crate) fn joined(&self, digest: &Digest, platform: Option<&Platform>) -> Vec<u32> {
        self.by_digest(digest).iter().copied().filter(|i| self.get(*i).runs_as(digest, platform)).collect()
    }

    /// Adds an identity of an image, found for `wanted`; gives its ordinal. A new one has no packages yet.
    pub(crate) fn add(&mut self, wanted: &WantedImage, identity: &ImageIdentity, sbom: &Digest) -> u32 {
        let ordinal = match self.by_manifest(&identity.manifest) {
            Some(ordinal) => ordinal,
            None => {
                let ordinal = self.len();
                self.entries.push(ImageEntry {
                    manifest: identity.manifest.clone(),
                    identities: Vec::new(),
                    also: BTreeSet::new(),
                    distro: Arc::default(),
                    packages: Vec::new(),
                    sbom: sbom.clone(),
                    stale: false,
                    problems: 0,
                });
                self.by_manifest.insert(identity.manifest.clone(), ordinal);
                ordinal
            }
        };
        let entry = &mut self.entries[ordinal as usize];
        if !entry.identities.contains(identity) {
            entry.identities.push(identity.clone());
        }
        if identity.kind_of(&wanted.digest).is_none() {
            entry.also.insert((wanted.digest.clone(), wanted.platform.clone()));
        }
        for digest in entry.digests() {
            let ordinals = self.by_digest.entry(digest.clone()).or_default();
            if !ordinals.contains(&ordinal) {
                ordinals.push(ordinal);
            }
        }
        self.records.insert(wanted.clone(), RecordState::Ready);
        self.not_before.remove(wanted);
        ordinal
    }

    /// Notes that an image could not be had.
    pub(crate) fn failed(&mut self, wanted: &WantedImage, why: &str, tries: u32, retry_at: Timestamp) {
        self.not_before.remove(wanted);
        self.records.insert(wanted.clone(), RecordState::Failed { why: why.to_owned(), tries, retry_at });
    }

    /// Puts off another try.
    pub(crate) fn postpone(&mut self, wanted: &WantedImage, until: Timestamp) {
        self.not_before.insert(wanted.clone(), until);
    }

    /// Whether to ask for it now.
    pub(crate) fn due(&self, wanted: &WantedImage, now: Timestamp) -> bool {
        let asked = self.not_before.get(wanted).is_none_or(|at| *at <= now);
        let failed = match self.records.get(wanted) {
            Some(RecordState::Failed { retry_at, .. }) => *retry_at <= now,
            _ => true,
        };
        asked && failed
    }

    /// Notes that it was asked for now.
    pub(crate) fn asked(&mut self, wanted: &WantedImage, now: Timestamp) {
        let seconds = match self.records.get(wanted) {
            Some(RecordState::Ready) => STALE_SECONDS,
            _ => PENDING_SECONDS,
        };
        self.not_before.insert(wanted.clone(), later(now, seconds));
    }
}

/// `seconds` after `at`; the end of time where there is no such moment.
pub(crate) fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
