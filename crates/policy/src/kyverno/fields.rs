//! The fields of Kyverno's policies that are known, and what becomes of each. `docs/policies.md`
//! prints this table; tests hold it against the reader.

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It decides.
    Read,
    /// It is read and changes nothing.
    NoEffect,
    /// The policy is refused.
    Refused,
}

/// One field: its path, what becomes of it, and in words what it does or what to write instead.
pub(crate) type Field = (&'static str, Standing, &'static str);

use Standing::{NoEffect, Read, Refused};

/// Every field that is known.
pub(crate) const FIELDS: &[Field] = &[
    ("metadata.name", Read, "name of the policy"),
    ("metadata.namespace", Read, "of a Policy: the one namespace that it speaks of"),
    ("metadata.annotations", Read, "only `pod-policies.kyverno.io/autogen-controllers`: `none`, `all` or a list"),
    ("spec.validationFailureAction", Read, "Enforce refuses, Audit (the default) warns"),
    ("spec.validationFailureActionOverrides[].action", Read, "the action in some namespaces; Enforce wins"),
    ("spec.validationFailureActionOverrides[].namespaces", Read, "which namespaces; wildcards"),
    ("spec.validationFailureActionOverrides[].namespaceSelector", Refused, "name the namespaces"),
    ("spec.failurePolicy", Read, "Fail (the default) or Ignore: what happens when it cannot be found out"),
    ("spec.webhookConfiguration.failurePolicy", Read, "the same, and it wins"),
    ("spec.webhookConfiguration.timeoutSeconds", NoEffect, "the API server's setting decides"),
    ("spec.webhookConfiguration.matchConditions", Refused, "use match and exclude"),
    ("spec.webhookTimeoutSeconds", NoEffect, "the API server's setting decides"),
    ("spec.background", NoEffect, "it changes no answer"),
    ("spec.emitWarning", NoEffect, "it changes no answer"),
    ("spec.schemaValidation", NoEffect, "it changes no answer"),
    ("spec.useServerSideApply", NoEffect, "it changes no answer"),
    ("spec.admission", Read, "must be true"),
    ("spec.applyRules", Read, "must be `All`"),
    ("spec.generateExisting", Refused, "rules that generate are not read"),
    ("spec.mutateExistingOnPolicyUpdate", Refused, "rules that mutate are not read"),
    ("spec.rules[].name", Read, "name of the rule"),
    (
        "spec.rules[].match.any[].resources.kinds",
        Read,
        "Pod, the controllers that hold Pods, `Pod/ephemeralcontainers`, `*`",
    ),
    ("spec.rules[].match.any[].resources.name", Read, "one name; wildcards"),
    ("spec.rules[].match.any[].resources.names", Read, "names; wildcards"),
    ("spec.rules[].match.any[].resources.namespaces", Read, "namespaces; wildcards"),
    ("spec.rules[].match.any[].resources.operations", Read, "CREATE, UPDATE; DELETE and CONNECT bring no image in"),
    ("spec.rules[].match.any[].resources.selector", Read, "matchLabels, and matchExpressions with In and Exists"),
    ("spec.rules[].match.any[].resources.namespaceSelector", Refused, "name the namespaces"),
    ("spec.rules[].match.any[].resources.annotations", Refused, "match by kinds and namespaces"),
    ("spec.rules[].match.any[].subjects", Refused, "controllers create Pods: match by kinds and namespaces"),
    ("spec.rules[].match.any[].roles", Refused, "controllers create Pods: match by kinds and namespaces"),
    ("spec.rules[].match.any[].clusterRoles", Refused, "controllers create Pods: match by kinds and namespaces"),
    ("spec.rules[].match.all", Read, "like any, and all of them must fit"),
    ("spec.rules[].match.resources", Read, "one filter alone"),
    ("spec.rules[].exclude.any[].resources.kinds", Read, "as in match"),
    ("spec.rules[].exclude.any[].resources.names", Read, "as in match; a name the server makes up is not excluded"),
    ("spec.rules[].exclude.any[].resources.namespaces", Read, "as in match"),
    ("spec.rules[].exclude.any[].resources.operations", Read, "as in match"),
    ("spec.rules[].exclude.all", Read, "like any, and all of them must fit"),
    ("spec.rules[].skipBackgroundRequests", NoEffect, "it changes no answer"),
    ("spec.rules[].context", Refused, "write the values into the policy"),
    ("spec.rules[].preconditions", Refused, "use match and exclude"),
    ("spec.rules[].celPreconditions", Refused, "use match and exclude"),
    ("spec.rules[].imageExtractors", Refused, "the Pods of such objects are judged when they are made"),
    (
        "spec.rules[].verifyImages[].type",
        Read,
        "Cosign (the default) or SigstoreBundle: signatures are read in either form; Notary is refused",
    ),
    ("spec.rules[].verifyImages[].failureAction", Read, "the action of this entry, in every namespace"),
    ("spec.rules[].verifyImages[].imageReferences", Read, "patterns of images; `*` crosses slashes"),
    ("spec.rules[].verifyImages[].skipImageReferences", Read, "patterns that are taken out, where it is certain"),
    ("spec.rules[].verifyImages[].image", Refused, "write imageReferences"),
    ("spec.rules[].verifyImages[].key", Refused, "write attestors"),
    ("spec.rules[].verifyImages[].issuer", Refused, "signatures without a key are not judged yet"),
    ("spec.rules[].verifyImages[].subject", Refused, "signatures without a key are not judged yet"),
    ("spec.rules[].verifyImages[].roots", Refused, "signatures without a key are not judged yet"),
    ("spec.rules[].verifyImages[].attestors[].count", Read, "how many entries must be met; all without it; never 0"),
    (
        "spec.rules[].verifyImages[].attestors[].entries[].keys.publicKeys",
        Read,
        "PEM keys; each is an entry of its own",
    ),
    ("spec.rules[].verifyImages[].attestors[].entries[].keys.signatureAlgorithm", Read, "must be `sha256`"),
    (
        "spec.rules[].verifyImages[].attestors[].entries[].keys.rekor.url",
        Read,
        "demands a log entry, unless ignoreTlog",
    ),
    ("spec.rules[].verifyImages[].attestors[].entries[].keys.rekor.ignoreTlog", Read, "false demands a log entry"),
    (
        "spec.rules[].verifyImages[].attestors[].entries[].keys.rekor.pubkey",
        Refused,
        "log entries are not checked with a key of the policy yet",
    ),
    ("spec.rules[].verifyImages[].attestors[].entries[].keys.ctlog.ignoreSCT", NoEffect, "keys have no certificate"),
    ("spec.rules[].verifyImages[].attestors[].entries[].keys.ctlog.pubkey", Refused, "keys have no certificate"),
    (
        "spec.rules[].verifyImages[].attestors[].entries[].keys.ctlog.tsaCertChain",
        Refused,
        "time stamps are not demanded of keys",
    ),
    ("spec.rules[].verifyImages[].attestors[].entries[].keys.kms", Refused, "write the public key into publicKeys"),
    ("spec.rules[].verifyImages[].attestors[].entries[].keys.secret", Refused, "write the public key into publicKeys"),
    ("spec.rules[].verifyImages[].attestors[].entries[].attestor", Read, "a set within the set, up to 8 deep"),
    (
        "spec.rules[].verifyImages[].attestors[].entries[].keyless",
        Refused,
        "signatures without a key are not judged yet: name a key",
    ),
    (
        "spec.rules[].verifyImages[].attestors[].entries[].certificates",
        Refused,
        "certificates are not judged yet: name a key",
    ),
    (
        "spec.rules[].verifyImages[].attestors[].entries[].annotations",
        Refused,
        "annotations of signatures are not judged yet",
    ),
    (
        "spec.rules[].verifyImages[].attestors[].entries[].repository",
        Refused,
        "signatures are looked for beside the image: copy them there",
    ),
    ("spec.rules[].verifyImages[].attestations[].type", Read, "predicate type, compared whole with the signed payload"),
    ("spec.rules[].verifyImages[].attestations[].predicateType", Read, "the older name of type"),
    ("spec.rules[].verifyImages[].attestations[].name", Read, "a name for conditions elsewhere, which are refused"),
    ("spec.rules[].verifyImages[].attestations[].attestors", Read, "who must have attested it; must be there"),
    (
        "spec.rules[].verifyImages[].attestations[].conditions[].all",
        Read,
        "key (one path, `{{ a.b[].c }}`), operator, value; all must hold",
    ),
    ("spec.rules[].verifyImages[].attestations[].conditions[].any", Read, "the same, and one must hold"),
    ("spec.rules[].verifyImages[].repository", Refused, "signatures are looked for beside the image: copy them there"),
    ("spec.rules[].verifyImages[].cosignOCI11", Read, "must be false"),
    (
        "spec.rules[].verifyImages[].mutateDigest",
        Read,
        "true (the default): Pods are pinned to the digest that was verified",
    ),
    ("spec.rules[].verifyImages[].verifyDigest", Read, "true (the default): where nothing pins, a tag is refused"),
    (
        "spec.rules[].verifyImages[].required",
        Read,
        "false, without attestors: only the digest is dealt with; else without effect",
    ),
    ("spec.rules[].verifyImages[].useCache", NoEffect, "facts are kept by digest and never verdicts"),
    ("spec.rules[].verifyImages[].validate", Refused, "conditions are not judged yet"),
    (
        "spec.rules[].verifyImages[].imageRegistryCredentials",
        Refused,
        "credentials come from the registry configuration",
    ),
];

/// What to write instead of a field that is refused, found by its last name.
pub(crate) fn instead(path: &str) -> Option<&'static str> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().trim_end_matches(']').to_owned();
    let wanted = last(path);
    FIELDS.iter().find(|(field, standing, _)| *standing == Refused && last(field) == wanted).map(|(_, _, words)| *words)
}

/// The table as Markdown, for the manual.
pub(crate) fn table() -> String {
    let mut out = String::from("| field | | what it does, or what to write instead |\n|---|---|---|\n");
    for (path, standing, words) in FIELDS {
        let standing = match standing {
            Read => "read",
            NoEffect => "no effect",
            Refused => "refused",
        };
        out.push_str(&format!("| `{path}` | {standing} | {words} |\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PolicySet;
    use serde_json::{Value, json};

    fn policy(kind: &str) -> Value {
        let key = format!(
            "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE{}\n-----END PUBLIC KEY-----",
            "A".repeat(88)
        );
        let filter = || json!([{"resources": {"kinds": ["Pod"]}}]);
        json!({"apiVersion": "kyverno.io/v1", "kind": kind, "metadata": {"name": "p"}, "spec": {
            "webhookConfiguration": {},
            "validationFailureActionOverrides": [{"action": "Audit", "namespaces": ["x"]}],
            "rules": [{"name": "r", "match": {"any": filter()}, "exclude": {"any": filter()}, "verifyImages": [
                {"imageReferences": ["*"], "attestors": [{"entries": [
                    {"keys": {"publicKeys": key, "rekor": {"ignoreTlog": true}, "ctlog": {}}}
                ]}], "attestations": [{
                    "type": "t", "attestors": [{"entries": [{"keys": {"publicKeys": key}}]}],
                    "conditions": [{"all": [{"key": "{{ a }}", "operator": "Equals", "value": "b"}]}]
                }]}
            ]}]
        }})
    }

    /// The policy with nothing at `path`: a field that is known may be empty, one that is not may not be there.
    fn with(path: &str) -> String {
        let mut policy = policy("ClusterPolicy");
        let mut at = &mut policy;
        for part in path.split('.') {
            let (name, list) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
            at = &mut at[name];
            if list {
                at = &mut at[0];
            }
        }
        policy.to_string()
    }

    fn said(path: &str) -> Vec<String> {
        match PolicySet::load(&[("p".to_owned(), with(path))]) {
            Ok(_) => Vec::new(),
            Err(said) => said.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn every_row_is_what_the_reader_does() {
        for (path, standing, words) in FIELDS {
            let said = said(path);
            let refused =
                said.iter().any(|s| s.contains(&format!("{} is not supported yet", path.replace("[]", "[0]"))));
            assert_eq!(refused, *standing == Refused, "{path}: {said:?}");
            if refused {
                assert!(said.iter().any(|s| s.contains("hint: ")), "{path}: {said:?}");
            }
            assert!(!words.is_empty() && !words.contains('|'), "{path}");
        }
    }

    #[test]
    fn every_field_that_the_reader_takes_has_a_row() {
        let sources = [
            include_str!("../kyverno.rs"),
            include_str!("attestors.rs"),
            include_str!("resources.rs"),
            include_str!("../conditions.rs"),
        ];
        let known = |name: &str| {
            FIELDS.iter().any(|(path, ..)| path.split('.').any(|part| part.trim_end_matches("[]") == name))
        };
        let mut taken = 0;
        for source in sources {
            for (at, call) in source.match_indices("take(\"").chain(source.match_indices("flag(\"")) {
                let name = source[at + call.len()..].split('"').next().unwrap();
                if !["matchLabels", "matchExpressions", "values", "message"].contains(&name) {
                    assert!(known(name), "{name}");
                }
                taken += 1;
            }
        }
        assert!(taken > 30, "{taken}");
    }

    #[test]
    fn the_manual_holds_the_table() {
        let manual = include_str!("../../../../docs/policies.md");
        assert!(
            manual.contains(&table()),
            "docs/policies.md lacks what `cleanbill policy fields` prints:\n{}",
            table()
        );
    }
}
