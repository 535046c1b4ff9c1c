//! Kubeconfigs that are missing, damaged, foreign or name what is not there.
#![allow(clippy::unwrap_used)]

use cleanbill_cluster::{ClusterError, Connection};

const GOOD: &str = "
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: u, user: {token: t}}]
contexts:
- {name: prod, context: {cluster: c, user: u}}
- {name: test, context: {cluster: c, user: u}}
- {name: dangling, context: {cluster: nowhere, user: u}}
current-context: prod
";

async fn open(text: &str, context: Option<&str>) -> Result<Connection, ClusterError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(&file, text).unwrap();
    Connection::open(&file, context).await
}

async fn refused(text: &str, context: Option<&str>, part: &str) {
    let error = open(text, context).await.unwrap_err().to_string();
    assert!(error.contains(part), "{error}");
}

#[tokio::test]
async fn the_current_or_the_named_context_is_taken() {
    assert_eq!(open(GOOD, None).await.unwrap().name(), "prod");
    assert_eq!(open(GOOD, Some("test")).await.unwrap().name(), "test");
}

#[tokio::test]
async fn a_missing_context_names_those_there_are() {
    refused(GOOD, Some("live"), "has no context `live`; it has prod, test, dangling").await;
    refused(&GOOD.replace("current-context: prod", ""), None, "names no current context; it has prod, test").await;
    let gone = GOOD.replace("current-context: prod", "current-context: gone");
    refused(&gone, None, "has no context `gone`").await;
}

#[tokio::test]
async fn what_is_not_a_kubeconfig_is_told_as_that() {
    refused("apiVersion: v1\nkind: Pod\n", None, "it is of kind `Pod`").await;
    refused("a: [", None, "is not a kubeconfig").await;
    refused("just text", None, "not a YAML mapping").await;
    refused("a: 1", None, "no `contexts` and `clusters`").await;
    refused("clusters: 7\ncontexts: 8\n", None, "is not a kubeconfig").await;
}

#[tokio::test]
async fn a_context_without_its_cluster_is_told() {
    refused(GOOD, Some("dangling"), "context `dangling` of kubeconfig").await;
}

#[tokio::test]
async fn a_missing_file_is_told_with_a_hint() {
    let error = Connection::open("/nonexistent/kubeconfig".as_ref(), None).await.unwrap_err();
    assert!(matches!(&error, ClusterError::Read { .. }));
    assert!(error.to_string().contains("kubeconfig /nonexistent/kubeconfig: No such file"), "{error}");
    assert!(error.to_string().contains("hint: "), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_told_by_the_cluster_and_the_question() {
    let error = open(GOOD, None).await.unwrap().identity().await.unwrap_err().to_string();
    assert!(error.starts_with("cluster `prod`: could not read the namespace kube-system: "), "{error}");
}
