//! Which packages only development needs.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// Every node that `roots` lead to, themselves included.
pub(crate) fn reachable<K: Eq + Hash + Copy>(
    roots: impl IntoIterator<Item = K>,
    edges: &HashMap<K, Vec<K>>,
) -> HashSet<K> {
    let mut seen: HashSet<K> = HashSet::new();
    let mut open: Vec<K> = roots.into_iter().collect();
    while let Some(node) = open.pop() {
        if seen.insert(node) {
            open.extend(edges.get(&node).into_iter().flatten().copied().filter(|next| !seen.contains(next)));
        }
    }
    seen
}

/// The nodes that only `development` leads to; what nothing leads to is not among them.
pub(crate) fn development_only<K: Eq + Hash + Copy>(
    production: impl IntoIterator<Item = K>,
    development: impl IntoIterator<Item = K>,
    edges: &HashMap<K, Vec<K>>,
) -> HashSet<K> {
    let kept = reachable(production, edges);
    let mut only = reachable(development, edges);
    only.retain(|node| !kept.contains(node));
    only
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_production_needs_too_is_kept() {
        let edges = HashMap::from([(1, vec![2, 3]), (4, vec![3, 5]), (5, vec![4])]);
        let only = development_only([1], [4], &edges);
        assert_eq!(only, HashSet::from([4, 5]));
    }
}
