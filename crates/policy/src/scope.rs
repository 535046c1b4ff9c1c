//! Which objects a rule speaks of. In doubt (a name the server will make up) a rule matches and an
//! exclusion does not: nobody slips out by leaving something open.

use cleanbill_model::{AdmissionRequest, Operation};

use crate::pattern::wild;

/// Kinds that carry a pod template and take over the rules for Pods.
pub(crate) const CONTROLLERS: [&str; 8] =
    ["Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob", "ReplicaSet", "ReplicationController", "PodTemplate"];

/// `match` and `exclude` of a rule.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// The one namespace it speaks of; `None`: the filters say which.
    pub(crate) namespace: Option<String>,
    pub(crate) include: Block,
    pub(crate) exclude: Block,
}

/// Filters, joined.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// All must fit, instead of any.
    pub(crate) all: bool,
    pub(crate) filters: Vec<Filter>,
}

/// What one object must be; an empty list asks for nothing.
#[derive(Debug, Default, Clone)]
pub(crate) struct Filter {
    /// Kind and, where named, subresource.
    pub(crate) kinds: Vec<(String, Option<String>)>,
    pub(crate) names: Vec<String>,
    pub(crate) namespaces: Vec<String>,
    pub(crate) operations: Vec<Operation>,
    /// What its labels must hold, all of it.
    pub(crate) labels: Vec<Label>,
}

/// What must be among the labels of an object; wildcards in both.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) key: String,
    /// One of these; empty: whatever it is.
    pub(crate) values: Vec<String>,
}

impl Scope {
    pub(crate) fn covers(&self, request: &AdmissionRequest) -> bool {
        self.namespace.as_ref().is_none_or(|only| *only == request.namespace)
            && self.include.fits(request, true)
            && !self.exclude.fits(request, false)
    }

    /// Lets what is said of Pods be said of these kinds too.
    pub(crate) fn extend_to(&mut self, kinds: &[String]) {
        for filter in self.include.filters.iter_mut().chain(&mut self.exclude.filters) {
            if filter.kinds.iter().any(|(kind, sub)| kind == "Pod" && sub.is_none()) {
                filter.kinds.extend(kinds.iter().map(|k| (k.clone(), None)));
            }
        }
    }
}

impl Scope {
    /// Whether some object that carries images can be meant at all.
    pub(crate) fn can_be_reached(&self) -> bool {
        let kinds =
            CONTROLLERS.iter().map(|kind| (*kind, None)).chain([("Pod", None), ("Pod", Some("ephemeralcontainers"))]);
        let reached = |(kind, sub): (&str, Option<&str>)| {
            let names = |filter: &Filter| {
                filter.kinds.is_empty()
                    || filter.kinds.iter().any(|(k, s)| wild(k, kind) && s.as_deref().is_none_or(|s| Some(s) == sub))
            };
            let may = |filter: &Filter| {
                let operation =
                    filter.operations.is_empty() || filter.operations.iter().any(|o| *o != Operation::Other);
                let namespace = self
                    .namespace
                    .as_ref()
                    .is_none_or(|only| filter.namespaces.is_empty() || filter.namespaces.iter().any(|n| wild(n, only)));
                names(filter) && operation && namespace
            };
            let must = |filter: &Filter| {
                let every = |list: &[String]| list.is_empty() || list.iter().any(|n| n == "*");
                let both = [Operation::Create, Operation::Update];
                names(filter)
                    && every(&filter.names)
                    && (every(&filter.namespaces)
                        || self.namespace.as_ref().is_some_and(|n| filter.namespaces.contains(n)))
                    && filter.labels.is_empty()
                    && (filter.operations.is_empty() || both.iter().all(|o| filter.operations.contains(o)))
            };
            self.include.holds(&may) && !self.exclude.holds(&must)
        };
        kinds.into_iter().any(reached)
    }
}

impl Block {
    fn holds(&self, fits: &dyn Fn(&Filter) -> bool) -> bool {
        !self.filters.is_empty() && if self.all { self.filters.iter().all(fits) } else { self.filters.iter().any(fits) }
    }

    fn fits(&self, request: &AdmissionRequest, in_doubt: bool) -> bool {
        self.holds(&|filter| filter.fits(request, in_doubt))
    }
}

impl Filter {
    fn fits(&self, request: &AdmissionRequest, in_doubt: bool) -> bool {
        let any = |patterns: &[String], text: &str| patterns.is_empty() || patterns.iter().any(|p| wild(p, text));
        let kind = self.kinds.is_empty()
            || self.kinds.iter().any(|(kind, sub)| {
                wild(kind, &request.kind) && sub.as_ref().is_none_or(|s| request.subresource.as_ref() == Some(s))
            });
        let name = any(&self.names, &request.name) || (request.name.is_empty() && in_doubt);
        let operation = self.operations.is_empty()
            || self.operations.contains(&request.operation)
            || (request.operation == Operation::Other && in_doubt);
        let labels = self
            .labels
            .iter()
            .all(|label| request.labels.iter().any(|(key, value)| wild(&label.key, key) && any(&label.values, value)));
        kind && name && operation && labels && any(&self.namespaces, &request.namespace)
    }
}
