//! One question at a time: who asks while the same question is under way gets that answer. Nothing is
//! kept after it, so a tag that moves is seen by the next one who asks.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};

type Flight<V> = BoxFuture<'static, V>;

/// The questions under way.
pub(crate) struct Flights<K, V: Clone>(Mutex<HashMap<K, WeakShared<Flight<V>>>>);

impl<K, V: Clone> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq, V: Clone> Flights<K, V> {
    /// The answer to `key`: of the question that is under way, else of `ask`.
    pub(crate) async fn join(&self, key: K, ask: impl FnOnce() -> Flight<V>) -> V {
        self.flight(key, ask).await
    }

    fn flight(&self, key: K, ask: impl FnOnce() -> Flight<V>) -> Shared<Flight<V>> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that everybody gave up, or that have their answer, are none.
        let current = |flight: &WeakShared<Flight<V>>| flight.upgrade().filter(|shared| shared.peek().is_none());
        under_way.retain(|_, flight| current(flight).is_some());
        if let Some(flight) = under_way.get(&key).and_then(current) {
            return flight;
        }
        let flight = ask().shared();
        under_way.extend(flight.downgrade().map(|weak| (key, weak)));
        flight
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn counted(asked: &Arc<AtomicU32>) -> Flight<u32> {
        let asked = asked.clone();
        async move {
            tokio::task::yield_now().await;
            asked.fetch_add(1, Ordering::SeqCst) + 1
        }
        .boxed()
    }

    #[tokio::test]
    async fn who_asks_meanwhile_gets_the_same_answer_and_who_asks_after_it_another() {
        let (flights, asked) = (Flights::default(), Arc::default());
        let join = |key| flights.join(key, || counted(&asked));
        let (a, b, other) = tokio::join!(join("x"), join("x"), join("y"));
        assert_eq!((a, b), (a, a));
        assert_ne!(a, other);
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        assert_eq!(join("x").await, 3, "an answer was kept");
    }

    #[tokio::test]
    async fn what_everybody_gave_up_is_asked_afresh() {
        let flights: Flights<&str, u32> = Flights::default();
        {
            let never = flights.join("x", || std::future::pending().boxed());
            tokio::pin!(never);
            assert!(futures::poll!(&mut never).is_pending());
        }
        assert_eq!(flights.join("x", || async { 7 }.boxed()).await, 7);
    }
}
