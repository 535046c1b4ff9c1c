//! What `where` answers: the sentence, the pods, how far the look reached. The JSON form is
//! `docs/schemas/where-v1.json`.

use cleanbill_model::{Timestamp, Workload};
use serde_json::{Value, json};

const DEFAULT_LIMIT: usize = 200;
const LARGEST_LIMIT: usize = 1000;

/// Which part of the matches is asked for. Counts are over all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Matches a page, 1 to 1000.
    pub limit: usize,
    /// After this match: `next` of the page before.
    pub cursor: Option<String>,
}

impl Page {
    /// A page; 200 matches where no limit is given, never more than 1000.
    pub fn new(limit: Option<usize>, cursor: Option<String>) -> Self {
        Self { limit: limit.unwrap_or(DEFAULT_LIMIT).clamp(1, LARGEST_LIMIT), cursor }
    }
}

/// Why a question cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// How far the look reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Distinct images that run.
    pub images: u64,
    /// Of these: not looked into yet.
    pub pending: u64,
    /// Of these: could not be had.
    pub failed: u64,
    /// Of these: the question cannot be answered for them, for whatever reason (those above included).
    pub not_covered: u64,
}

/// Distinct things among all matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Clusters.
    pub clusters: u64,
    /// Namespaces.
    pub namespaces: u64,
    /// Workloads.
    pub workloads: u64,
    /// Pods, running and declared.
    pub pods: u64,
    /// Images, by manifest.
    pub images: u64,
    /// Pods in which it runs.
    pub running: u64,
}

/// A package that made a container match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MatchedPackage {
    /// Package URL.
    pub purl: String,
    /// Versions that carry a fix, for questions about a vulnerability.
    pub fixed: Vec<String>,
}

/// A container that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Name of the cluster.
    pub cluster: String,
    /// Namespace.
    pub namespace: String,
    /// Topmost owner of the pod.
    pub workload: Workload,
    /// Pod.
    pub pod: String,
    /// Container.
    pub container: String,
    /// The image as the specification names it.
    pub image: String,
    /// The manifest it runs.
    pub digest: String,
    /// The packages, sorted.
    pub packages: Vec<MatchedPackage>,
    /// `running` or `declared`.
    pub state: &'static str,
}

/// A running container that nothing can be said about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uncovered {
    /// Name of the cluster.
    pub cluster: String,
    /// Namespace.
    pub namespace: String,
    /// Pod.
    pub pod: String,
    /// Container.
    pub container: String,
    /// The image as the specification names it.
    pub image: String,
    /// Why.
    pub why: String,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhereAnswer {
    /// The question as it was asked.
    pub query: String,
    /// When it was answered.
    pub as_of: Timestamp,
    /// The answer in one sentence.
    pub sentence: String,
    /// How far the look reached.
    pub coverage: Coverage,
    /// Counts over all matches.
    pub counts: Counts,
    /// The matches of this page, by cluster, namespace, workload, pod, container.
    pub matches: Vec<Match>,
    /// Running containers that are not covered, at most 200.
    pub uncovered: Vec<Uncovered>,
    /// Where the next page starts.
    pub next: Option<String>,
}

/// `1 pod`, `2 pods`.
pub(crate) fn count(n: u64, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

impl WhereAnswer {
    /// Whether something that runs is not covered: no match is not the same as safe.
    pub fn is_incomplete(&self) -> bool {
        self.coverage.not_covered > 0
    }

    /// How far the look reached, in one sentence.
    pub fn coverage_sentence(&self) -> String {
        let c = &self.coverage;
        if c.not_covered == 0 {
            return match c.images {
                0 => "No image runs that is known.".to_owned(),
                n => format!("Looked into every one of {} that run.", count(n, "image")),
            };
        }
        let mut parts = Vec::new();
        if c.pending > 0 {
            parts.push(format!("{} not looked into yet", c.pending));
        }
        if c.failed > 0 {
            parts.push(format!("{} could not be pulled", c.failed));
        }
        let rest = c.not_covered.saturating_sub(c.pending + c.failed);
        if rest > 0 {
            parts.push(format!("{rest} without advisories that speak for it"));
        }
        format!("{} of {} that run not covered: {}.", c.not_covered, count(c.images, "image"), parts.join(", "))
    }

    /// `cleanbill/where/v1`.
    pub fn to_json(&self) -> Value {
        let matches: Vec<_> = self
            .matches
            .iter()
            .map(|m| {
                let packages: Vec<_> = m.packages.iter().map(|p| json!({"purl": p.purl, "fixed": p.fixed})).collect();
                json!({"cluster": m.cluster, "namespace": m.namespace,
                       "workload": {"kind": m.workload.kind, "name": m.workload.name}, "pod": m.pod,
                       "container": m.container, "image": m.image, "digest": m.digest, "packages": packages,
                       "state": m.state})
            })
            .collect();
        let uncovered: Vec<_> = self
            .uncovered
            .iter()
            .map(|u| {
                json!({"cluster": u.cluster, "namespace": u.namespace, "pod": u.pod, "container": u.container,
                       "image": u.image, "why": u.why})
            })
            .collect();
        json!({
            "schema": "cleanbill/where/v1",
            "query": self.query,
            "as_of": self.as_of.to_string(),
            "sentence": self.sentence,
            "coverage_sentence": self.coverage_sentence(),
            "coverage": {"images": self.coverage.images, "pending": self.coverage.pending,
                         "failed": self.coverage.failed, "not_covered": self.coverage.not_covered},
            "counts": {"clusters": self.counts.clusters, "namespaces": self.counts.namespaces,
                       "workloads": self.counts.workloads, "pods": self.counts.pods, "images": self.counts.images},
            "matches": matches,
            "uncovered": uncovered,
            "next": self.next,
        })
    }
}
