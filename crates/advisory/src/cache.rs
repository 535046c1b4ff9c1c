//! A bounded cache in two generations: what was not asked for during a whole generation goes.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Values by key, up to a total weight.
pub(crate) struct Cache<K, V> {
    /// Weight of one generation.
    budget: usize,
    generations: Mutex<Generations<K, V>>,
}

struct Generations<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    weight: usize,
}

impl<K: Eq + Hash + Copy, V: Clone> Cache<K, V> {
    /// A cache whose values weigh `budget` at most.
    pub(crate) fn new(budget: usize) -> Self {
        let generations = Generations { young: HashMap::new(), old: HashMap::new(), weight: 0 };
        Self { budget: budget / 2, generations: Mutex::new(generations) }
    }

    pub(crate) fn get(&self, key: K) -> Option<V> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((value, _)) = generations.young.get(&key) {
            return Some(value.clone());
        }
        let (value, weight) = generations.old.remove(&key)?;
        let gone = generations.insert(key, value.clone(), weight, self.budget);
        drop(generations);
        drop(gone);
        Some(value)
    }

    pub(crate) fn insert(&self, key: K, value: V, weight: usize) {
        let gone = {
            let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
            generations.insert(key, value, weight, self.budget)
        };
        // Thousands of values may go; nobody waits for that.
        drop(gone);
    }
}

impl<K: Eq + Hash, V> Generations<K, V> {
    /// Gives what has to go.
    fn insert(&mut self, key: K, value: V, weight: usize, budget: usize) -> HashMap<K, (V, usize)> {
        let mut gone = HashMap::new();
        if weight > budget {
            return gone;
        }
        if self.weight + weight > budget {
            gone = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            self.weight = 0;
        }
        if self.young.insert(key, (value, weight)).is_none() {
            self.weight += weight;
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let cache = Cache::new(20);
        for key in 0..100 {
            cache.insert(key, key, 1);
            assert_eq!(cache.get(0), Some(0));
            let generations = cache.generations.lock().unwrap();
            assert!(generations.young.len() + generations.old.len() <= 20);
        }
        assert_eq!((cache.get(99), cache.get(50)), (Some(99), None));
        cache.insert(7, 7, 11);
        assert_eq!(cache.get(7), None, "too heavy");
    }
}
