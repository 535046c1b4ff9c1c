//! Rooms without async, network and TLS: nothing of that kind anywhere in their tree.

use crate::cargo::Resolved;
use crate::finding::Complaint;

/// What stands for async, network, TLS and Kubernetes.
const FORBIDDEN: [&str; 11] = [
    "tokio",
    "async-std",
    "mio",
    "socket2",
    "hyper",
    "reqwest",
    "rustls",
    "native-tls",
    "aws-lc-rs",
    "kube-client",
    "k8s-openapi",
];

/// Checks the tree of normal dependencies of the pure room `name`.
pub(crate) fn check(name: &str, tree: &[Resolved]) -> Vec<Complaint> {
    tree.iter()
        .filter(|package| FORBIDDEN.contains(&package.name.as_str()))
        .map(|package| {
            Complaint::new(
                format!("crates/{name}/Cargo.toml"),
                format!("the pure room {name} brings {}", package.name),
                format!("cargo tree -p cleanbill-{name} -e normal -i {} shows through whom", package.name),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::summary;

    fn tree(names: &[&str]) -> Vec<Resolved> {
        names
            .iter()
            .map(|name| Resolved { name: (*name).into(), version: "1.0.0".into(), features: String::new() })
            .collect()
    }

    #[test]
    fn a_runtime_in_the_tree_is_found() {
        assert_eq!(
            summary(&check("model", &tree(&["serde", "tokio"]))),
            ["crates/model/Cargo.toml: the pure room model brings tokio"]
        );
    }

    #[test]
    fn names_are_compared_whole() {
        assert_eq!(check("model", &tree(&["serde", "tokio-free", "rustls-pki-types"])), []);
    }
}
