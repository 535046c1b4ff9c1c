//! So many looks at once: by registry host, and by namespace. One tenant's slow registry or crowd of
//! images delays that tenant alone (A76); who waits for a place waits within its own deadline.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places, made when they are first asked for and let go when nobody holds one.
pub(crate) struct Places {
    most: usize,
    by_name: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Places {
    pub(crate) fn new(most: usize) -> Self {
        Self { most: most.max(1), by_name: Mutex::default() }
    }

    fn of(&self, name: &str) -> Arc<Semaphore> {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody waits or works where no other handle is: names of tenants do not pile up.
        by_name.retain(|_, places| Arc::strong_count(places) > 1);
        by_name.entry(name.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.most))).clone()
    }

    /// A place under this name, once there is one.
    pub(crate) async fn enter(&self, name: &str) -> Held {
        let places = self.of(name);
        // Never closed; if it were, waiting would help nobody.
        let permit = places.clone().acquire_owned().await.ok();
        Held { _places: places, _permit: permit }
    }

    /// Whether all places are taken: how many there are.
    pub(crate) fn full(&self, name: &str) -> Option<usize> {
        let by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        by_name.get(name).is_some_and(|places| places.available_permits() == 0).then_some(self.most)
    }
}

/// A place that is free again when this goes.
pub(crate) struct Held {
    _places: Arc<Semaphore>,
    _permit: Option<OwnedSemaphorePermit>,
}

/// Both kinds of places.
pub(crate) struct Limits {
    pub(crate) hosts: Places,
    pub(crate) namespaces: Places,
}

impl Limits {
    pub(crate) fn new(per_host: usize, per_namespace: usize) -> Self {
        Self { hosts: Places::new(per_host), namespaces: Places::new(per_namespace) }
    }

    /// What to say of somebody who waited in vain.
    pub(crate) fn said(&self, host: &str, namespace: &str) -> String {
        match (self.namespaces.full(namespace), self.hosts.full(host)) {
            (Some(most), _) => format!("; {most} images of namespace `{namespace}` are looked at, the most at once"),
            (_, Some(most)) => format!("; {most} looks at {host} are under way, the most at once"),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a76_a_full_name_delays_nobody_else() {
        let places = Places::new(2);
        let (first, _second) = (places.enter("slow").await, places.enter("slow").await);
        {
            let third = places.enter("slow");
            tokio::pin!(third);
            assert!(futures::poll!(&mut third).is_pending());
            assert_eq!((places.full("slow"), places.full("other")), (Some(2), None));
            let _other = places.enter("other").await;
            drop(first);
            let _third = third.await;
            assert_eq!(places.full("slow"), Some(2));
        }
        assert_eq!(places.full("slow"), None);
    }

    #[tokio::test]
    async fn names_do_not_pile_up() {
        let places = Places::new(1);
        for n in 0..100 {
            drop(places.enter(&format!("tenant-{n}")).await);
        }
        assert_eq!(places.by_name.lock().unwrap().len(), 1);
    }
}
