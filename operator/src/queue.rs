//! Which Stores wait for a reconcile, and for how long.

mod debounce;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use kube::runtime::reflector::ObjectRef;
use prometheus::IntGauge;
use shop_exemplars::TracedHistogram;
use tokio::sync::watch;

use crate::{metrics::Metrics, observed::StoreName, telemetry::Example, watch::Guarded};

pub use debounce::{Trigger, debounced};

/// Stores that were touched and not looked at since. Retries are not among them, and neither is a burst that goes on: they wait on purpose.
#[derive(Debug)]
pub struct Queue {
    waiting: Mutex<HashMap<StoreName, Instant>>,
    count: watch::Sender<usize>,
    depth: IntGauge,
    seconds: TracedHistogram,
}

impl Queue {
    /// An empty one.
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            waiting: Mutex::default(),
            count: watch::Sender::new(0),
            depth: metrics.queue_depth.clone(),
            seconds: metrics.queue_seconds.clone(),
        }
    }

    /// A Store is to be looked at; how long it waits counts from the first time.
    pub fn touched(&self, store: &ObjectRef<Guarded>) {
        let name = StoreName { namespace: store.namespace.clone().unwrap_or_default(), name: store.name.clone() };
        let mut waiting = self.lock();
        waiting.entry(name).or_insert_with(Instant::now);
        self.tell(&waiting);
    }

    /// A Store is looked at, in this trace.
    pub fn begun(&self, store: &StoreName, example: Option<Example>) {
        let mut waiting = self.lock();
        if let Some(since) = waiting.remove(store) {
            self.seconds.observe(since.elapsed(), example);
        }
        self.tell(&waiting);
    }

    /// Returns when fewer Stores than these wait.
    pub async fn until_fewer(&self, than: usize) {
        // The sender lives as long as self, so this cannot fail.
        let _ = self.count.subscribe().wait_for(|count| *count < than).await;
    }

    /// Forgets Stores that are gone.
    pub fn retain(&self, exists: impl Fn(&StoreName) -> bool) {
        let mut waiting = self.lock();
        waiting.retain(|store, _| exists(store));
        self.tell(&waiting);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StoreName, Instant>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, waiting: &HashMap<StoreName, Instant>) {
        self.count.send_replace(waiting.len());
        self.depth.set(i64::try_from(waiting.len()).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, time::Duration};

    use futures::{FutureExt, StreamExt, poll};

    use super::*;

    #[tokio::test]
    async fn whoever_waits_for_room_goes_on_when_one_is_looked_at() {
        let queue = Queue::new(&Metrics::new().unwrap());
        let store = |name: &str| StoreName { namespace: "shop".into(), name: name.into() };
        queue.until_fewer(1).await;
        for name in ["a", "b"] {
            queue.touched(&crate::watch::object_ref(&store(name)));
        }
        assert!(queue.until_fewer(2).now_or_never().is_none());
        let mut room = pin!(queue.until_fewer(2));
        assert!(poll!(room.as_mut()).is_pending());
        queue.begun(&store("a"), None);
        room.await;
    }

    #[tokio::test(start_paused = true)]
    async fn twenty_changes_of_what_belongs_to_a_store_are_one_entry_of_the_queue() {
        let metrics = Metrics::new().unwrap();
        let queue = Queue::new(&metrics);
        let store = StoreName { namespace: "shop".into(), name: "demo".into() };
        let (sender, triggers) = futures::channel::mpsc::unbounded();
        let mut due = pin!(debounced(triggers).inspect(|store| queue.touched(store)));
        for _ in 0..20 {
            sender.unbounded_send(Trigger::Soon(crate::watch::object_ref(&store))).unwrap();
            assert!(poll!(due.next()).is_pending());
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        assert_eq!(metrics.queue_depth.get(), 0, "it waits on purpose");
        assert!(due.next().await.is_some());
        assert_eq!(metrics.queue_depth.get(), 1);
        queue.begun(&store, None);
        assert_eq!(metrics.queue_seconds.count(), 1);
        assert!(tokio::time::timeout(Duration::from_secs(10), due.next()).await.is_err(), "another one");
    }

    #[test]
    fn a_store_waits_once_from_its_first_touch_until_it_is_looked_at() {
        let metrics = Metrics::new().unwrap();
        let queue = Queue::new(&metrics);
        let store = StoreName { namespace: "shop".into(), name: "demo".into() };
        for _ in 0..2 {
            queue.touched(&crate::watch::object_ref(&store));
        }
        assert_eq!(metrics.queue_depth.get(), 1);
        queue.begun(&store, None);
        assert_eq!((metrics.queue_depth.get(), metrics.queue_seconds.count()), (0, 1));
        queue.begun(&store, None);
        assert_eq!(metrics.queue_seconds.count(), 1, "a retry did not wait");
        queue.touched(&crate::watch::object_ref(&store));
        queue.retain(|_| false);
        assert_eq!(metrics.queue_depth.get(), 0);
    }
}
