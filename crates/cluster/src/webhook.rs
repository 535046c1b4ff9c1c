//! Webhook configurations: what the API server is told about where to ask
//! (kubernetes `staging/src/k8s.io/api/admissionregistration/v1/types.go`).
//!
//! Printed for the administrator to read and apply, never applied by us. Kubernetes has the failure
//! policy once a webhook, policies have it one by one: so there are two webhooks of each sort, and
//! each asks under its own path. Objects are told apart by resource alone, never by who sends them:
//! controllers create the pods.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::glass;

/// Where the webhook answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// An `https` URL without a slash at its end.
    Url(String),
    /// A service of the cluster.
    Service {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// Port.
        port: u16,
    },
}

/// What a refusal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookMode {
    /// It is shown as a warning; everything comes in.
    Audit,
    /// It refuses.
    Enforce,
}

/// What a webhook configuration is made of.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookOptions {
    /// Where the webhook answers.
    pub endpoint: Endpoint,
    /// Certificate of the authority that signed the webhook's, PEM.
    pub ca_pem: String,
    /// The part of the path that proves that the API server calls.
    pub secret: String,
    /// Whether refusals refuse.
    pub mode: WebhookMode,
    /// Seconds until the API server gives up.
    pub timeout_seconds: u32,
}

impl std::fmt::Debug for WebhookOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookOptions")
            .field("endpoint", &self.endpoint)
            .field("mode", &self.mode)
            .field("timeout_seconds", &self.timeout_seconds)
            .finish_non_exhaustive()
    }
}

/// Images are pinned in Pods alone: a template that is changed under its owner fights with GitOps.
const MUTATED: &[(&str, &str, &[&str])] = &[("\"\"", "v1", &["pods", "pods/ephemeralcontainers"])];

/// `extensions` and the older versions of `apps` and `batch` reach us through `matchPolicy: Equivalent`
/// where a cluster still serves them.
const VALIDATED: &[(&str, &str, &[&str])] = &[
    ("\"\"", "v1", &["pods", "pods/ephemeralcontainers", "podtemplates", "replicationcontrollers"]),
    ("apps", "v1", &["deployments", "replicasets", "statefulsets", "daemonsets"]),
    ("batch", "v1", &["jobs", "cronjobs"]),
];

/// The two configurations as YAML, for `kubectl apply -f -`; then the definition of break-glass objects
/// ([`crate::glass`]) and the webhook that reviews them.
pub fn manifest(options: &WebhookOptions) -> String {
    let mut out = String::new();
    if options.mode == WebhookMode::Audit {
        out.push_str("# Audit: every refusal comes in as a warning. Print again with --mode enforce to refuse.\n");
    }
    configuration(options, "Mutating", "mutate", MUTATED, &mut out);
    out.push_str("---\n");
    configuration(options, "Validating", "validate", VALIDATED, &mut out);
    for document in [glass::definition(), &glass::configuration(options)] {
        out.push_str("---\n");
        out.push_str(document);
    }
    out
}

fn configuration(options: &WebhookOptions, sort: &str, verb: &str, rules: &[(&str, &str, &[&str])], out: &mut String) {
    let audit = options.mode == WebhookMode::Audit;
    out.push_str(&format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: {sort}WebhookConfiguration\nmetadata:\n  name: cleanbill\n  labels:\n    app.kubernetes.io/name: cleanbill\nwebhooks:\n"
    ));
    // The stricter one first: what it pins is not changed by the other, so that the API server has no reason
    // to ask it again.
    for setting in ["fail", "ignore"] {
        // While nothing is refused, an outage of ours must not refuse either.
        let failure = if setting == "fail" && !audit { "Fail" } else { "Ignore" };
        let path = format!("/{verb}/{}/{setting}{}", options.secret, if audit { "/audit" } else { "" });
        out.push_str(&format!(
            "- name: {setting}.{verb}.cleanbill.dev\n  admissionReviewVersions: [v1]\n  clientConfig:\n"
        ));
        client_config(options, &path, out);
        out.push_str(&format!(
            "  failurePolicy: {failure}\n  matchPolicy: Equivalent\n  sideEffects: None\n  timeoutSeconds: {}\n",
            options.timeout_seconds
        ));
        if sort == "Mutating" {
            // A webhook after ours may add containers.
            out.push_str("  reinvocationPolicy: IfNeeded\n");
        }
        out.push_str("  rules:\n");
        for (group, version, resources) in rules {
            out.push_str(&format!(
                "  - apiGroups: [{group}]\n    apiVersions: [{version}]\n    operations: [CREATE, UPDATE]\n    resources: [{}]\n    scope: Namespaced\n",
                resources.join(", ")
            ));
        }
    }
}

/// What stands under `clientConfig`.
pub(crate) fn client_config(options: &WebhookOptions, path: &str, out: &mut String) {
    match &options.endpoint {
        Endpoint::Url(url) => out.push_str(&format!("    url: {}\n", quoted(&format!("{url}{path}")))),
        Endpoint::Service { namespace, name, port } => out.push_str(&format!(
            "    service:\n      namespace: {}\n      name: {}\n      port: {port}\n      path: {}\n",
            quoted(namespace),
            quoted(name),
            quoted(path)
        )),
    }
    out.push_str(&format!("    caBundle: {}\n", STANDARD.encode(&options.ca_pem)));
}

/// A text as YAML writes it between double quotes; JSON's escapes are a part of YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(endpoint: Endpoint, mode: WebhookMode) -> WebhookOptions {
        WebhookOptions { endpoint, ca_pem: "PEM".to_owned(), secret: "5ec".to_owned(), mode, timeout_seconds: 10 }
    }

    fn read(options: &WebhookOptions) -> Vec<serde_json::Value> {
        manifest(options).split("---\n").map(|doc| serde_saphyr::from_str(doc).unwrap()).collect()
    }

    fn url() -> Endpoint {
        Endpoint::Url("https://127.0.0.1:9443".to_owned())
    }

    #[test]
    fn two_webhooks_of_each_sort_one_for_each_failure_policy() {
        for (doc, verb) in read(&options(url(), WebhookMode::Enforce)).iter().zip(["mutate", "validate"]) {
            let seen: Vec<(&str, &str)> = doc["webhooks"]
                .as_array()
                .unwrap()
                .iter()
                .map(|w| (w["failurePolicy"].as_str().unwrap(), w["clientConfig"]["url"].as_str().unwrap()))
                .collect();
            let ignore = format!("https://127.0.0.1:9443/{verb}/5ec/ignore");
            let fail = format!("https://127.0.0.1:9443/{verb}/5ec/fail");
            assert_eq!(seen, [("Fail", fail.as_str()), ("Ignore", ignore.as_str())]);
        }
    }

    #[test]
    fn in_audit_mode_nothing_can_refuse() {
        for doc in &read(&options(url(), WebhookMode::Audit))[..2] {
            for webhook in doc["webhooks"].as_array().unwrap() {
                assert_eq!(webhook["failurePolicy"], "Ignore");
                assert!(webhook["clientConfig"]["url"].as_str().unwrap().ends_with("/audit"));
            }
        }
    }

    #[test]
    fn a26_a48_every_resource_that_bears_pods_is_asked_about_and_nobody_is_left_out() {
        let docs = read(&options(url(), WebhookMode::Enforce));
        let resources = |doc: &serde_json::Value, at: usize| -> Vec<String> {
            let rules = doc["webhooks"][at]["rules"].as_array().unwrap().clone();
            rules
                .iter()
                .flat_map(|r| r["resources"].as_array().unwrap().clone())
                .map(|r| r.as_str().unwrap().to_owned())
                .collect()
        };
        for at in [0, 1] {
            assert_eq!(resources(&docs[0], at), ["pods", "pods/ephemeralcontainers"]);
            assert_eq!(resources(&docs[1], at).len(), 10);
            assert!(resources(&docs[1], at).contains(&"pods/ephemeralcontainers".to_owned()));
        }
        for webhook in docs[..2].iter().flat_map(|d| d["webhooks"].as_array().unwrap()) {
            assert_eq!(webhook["sideEffects"], "None");
            assert_eq!(webhook["matchPolicy"], "Equivalent");
            assert_eq!(webhook["timeoutSeconds"], 10);
            for left_out in ["namespaceSelector", "objectSelector", "matchConditions"] {
                assert!(webhook.get(left_out).is_none(), "{left_out}");
            }
            for rule in webhook["rules"].as_array().unwrap() {
                assert_eq!(rule["operations"], serde_json::json!(["CREATE", "UPDATE"]));
            }
        }
        assert_eq!(docs[0]["webhooks"][0]["reinvocationPolicy"], "IfNeeded");
        assert!(docs[1]["webhooks"][0].get("reinvocationPolicy").is_none());
        assert_eq!(docs[1]["webhooks"][0]["rules"][0]["apiGroups"][0], "");
    }

    #[test]
    fn a74_break_glass_objects_are_reviewed_and_never_let_in_unseen() {
        for mode in [WebhookMode::Audit, WebhookMode::Enforce] {
            let docs = read(&options(url(), mode));
            assert_eq!(docs[2]["kind"], "CustomResourceDefinition");
            let webhook = &docs[3]["webhooks"][0];
            assert_eq!(webhook["failurePolicy"], "Fail");
            assert_eq!(webhook["clientConfig"]["url"], "https://127.0.0.1:9443/break-glass/5ec");
            let rule = &webhook["rules"][0];
            assert_eq!(rule["operations"], serde_json::json!(["CREATE", "UPDATE"]));
            assert_eq!((&rule["resources"][0], &rule["scope"]), (&"breakglasses".into(), &"Cluster".into()));
        }
    }

    #[test]
    fn a_service_is_named_by_its_parts() {
        let endpoint = Endpoint::Service { namespace: "sec".to_owned(), name: "cleanbill".to_owned(), port: 8443 };
        let docs = read(&options(endpoint, WebhookMode::Enforce));
        let service = &docs[1]["webhooks"][0]["clientConfig"]["service"];
        assert_eq!(
            *service,
            serde_json::json!({"namespace": "sec", "name": "cleanbill", "port": 8443, "path": "/validate/5ec/fail"})
        );
        assert_eq!(docs[1]["webhooks"][1]["clientConfig"]["caBundle"], STANDARD.encode("PEM"));
    }

    #[test]
    fn the_secret_is_not_shown_for_debugging() {
        assert!(!format!("{:?}", options(url(), WebhookMode::Enforce)).contains("5ec"));
    }
}
