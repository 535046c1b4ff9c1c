//! The definition of break-glass objects and the webhook that reviews them, as YAML
//! (kubernetes `staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/types.go`).

use crate::webhook::{WebhookOptions, client_config};

/// The definition, for `kubectl apply -f -`.
pub fn definition() -> &'static str {
    r#"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: breakglasses.cleanbill.dev
  labels:
    app.kubernetes.io/name: cleanbill
spec:
  group: cleanbill.dev
  scope: Cluster
  names: {kind: BreakGlass, listKind: BreakGlassList, plural: breakglasses, singular: breakglass}
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns:
    - {name: Namespace, type: string, jsonPath: .spec.namespace}
    - {name: By, type: string, jsonPath: .spec.requestedBy}
    - {name: Expires, type: string, jsonPath: .spec.expires}
    - {name: Reason, type: string, jsonPath: .spec.reason}
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            required: [namespace, digest, reason, requestedBy, expires]
            x-kubernetes-validations:
            - {rule: self == oldSelf, message: make a new object instead}
            properties:
              namespace: {type: string, minLength: 1, maxLength: 63}
              digest: {type: string, pattern: "^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$"}
              reason: {type: string, minLength: 1, maxLength: 1024}
              requestedBy: {type: string, minLength: 1, maxLength: 253}
              groups: {type: array, maxItems: 64, items: {type: string, maxLength: 253}}
              expires: {type: string, format: date-time, maxLength: 64}
"#
}

/// The webhook that reviews them. It refuses when it is down, in audit mode too: an object that nobody
/// looked at must not come in, and no workload is touched by that.
pub fn configuration(options: &WebhookOptions) -> String {
    let mut out = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata:\n  name: cleanbill-break-glass\n  labels:\n    app.kubernetes.io/name: cleanbill\nwebhooks:\n- name: break-glass.cleanbill.dev\n  admissionReviewVersions: [v1]\n  clientConfig:\n".to_owned();
    client_config(options, &format!("/break-glass/{}", options.secret), &mut out);
    out.push_str(&format!(
        "  failurePolicy: Fail\n  matchPolicy: Equivalent\n  sideEffects: None\n  timeoutSeconds: {}\n  rules:\n  - apiGroups: [cleanbill.dev]\n    apiVersions: [v1]\n    operations: [CREATE, UPDATE]\n    resources: [breakglasses]\n    scope: Cluster\n",
        options.timeout_seconds
    ));
    out
}
