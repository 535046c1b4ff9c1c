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
}

impl Scope {
    pub(crate) fn covers(&self, request: &AdmissionRequest) -> bool {
        self.include.fits(request, true) && !self.exclude.fits(request, false)
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

impl Block {
    fn fits(&self, request: &AdmissionRequest, in_doubt: bool) -> bool {
        let fits = |filter: &Filter| filter.fits(request, in_doubt);
        !self.filters.is_empty() && if self.all { self.filters.iter().all(fits) } else { self.filters.iter().any(fits) }
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
        kind && name && operation && any(&self.namespaces, &request.namespace)
    }
}
