//! The tier in the memory of the pod.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use moka::Expiry;
use moka::sync::Cache as Store;
use shop_policy::LocalTier;
use tokio::time::Instant;

use crate::fence::Stamp;
use crate::side::Side;

/// A value in memory; none if it is known that there is nothing under the key.
#[derive(Debug)]
pub(crate) struct LocalEntry<V> {
    pub(crate) value: Option<Arc<V>>,
    /// The moment before the value was loaded, in the fence's count and on the clock.
    pub(crate) stamp: Stamp,
    pub(crate) loaded: Instant,
    /// Hashes of the key and the tags.
    pub(crate) depends_on: Box<[u64]>,
    /// Until then it is fresh.
    pub(crate) fresh_until: Instant,
    /// Until then it may be served if nothing better is to be had.
    pub(crate) stale_until: Instant,
    /// When it should be renewed in the background, if it should.
    pub(crate) refresh_at: Option<Instant>,
}

/// The tier in the memory of the pod, of one cache.
#[derive(Debug)]
pub(crate) struct Local<V: Send + Sync + 'static> {
    sized: ArcSwapOption<Sized<V>>,
    resizing: Mutex<()>,
}

/// As large as the policy said when it was made.
#[derive(Debug)]
struct Sized<V: Send + Sync + 'static> {
    max_entries: u32,
    entries: Store<String, Arc<LocalEntry<V>>>,
}

impl<V: Send + Sync + 'static> Local<V> {
    pub(crate) const fn new() -> Self {
        Self { sized: ArcSwapOption::const_empty(), resizing: Mutex::new(()) }
    }

    /// The entry, if nothing that it depends on was invalidated since it was loaded. It may be stale.
    pub(crate) fn get(&self, tier: LocalTier, key: &str, side: &Side) -> Option<Arc<LocalEntry<V>>> {
        let sized = self.sized.load();
        let sized = sized.as_ref().filter(|sized| sized.max_entries == tier.max_entries)?;
        let entry = sized.entries.get(key)?;
        side.fence.is_valid(entry.stamp, &entry.depends_on).then_some(entry)
    }

    /// Puts an entry there, unless there is one that was loaded later.
    pub(crate) fn put(&self, tier: LocalTier, key: &str, entry: LocalEntry<V>) {
        let sized = self.sized.load();
        let sized = match sized.as_ref().filter(|sized| sized.max_entries == tier.max_entries) {
            Some(sized) => Arc::clone(sized),
            None => self.resize(tier.max_entries),
        };
        let entry = Arc::new(entry);
        sized.entries.entry(key.to_owned()).and_upsert_with(|there| match there {
            Some(there) if there.value().stamp > entry.stamp => there.into_value(),
            _ => entry,
        });
    }

    /// How many entries there are, about.
    pub(crate) fn len(&self) -> u64 {
        self.sized.load().as_ref().map_or(0, |sized| sized.entries.entry_count())
    }

    /// Begins anew with another size: entries are soon back from Redis.
    fn resize(&self, max_entries: u32) -> Arc<Sized<V>> {
        let _guard = self.resizing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sized) = self.sized.load_full().filter(|sized| sized.max_entries == max_entries) {
            return sized;
        }
        let entries = Store::builder().max_capacity(max_entries.into()).expire_after(UntilStaleEnds).build();
        let sized = Arc::new(Sized { max_entries, entries });
        self.sized.store(Some(Arc::clone(&sized)));
        sized
    }
}

/// Memory is given back when nobody may be served the entry any more.
struct UntilStaleEnds;

impl<V> Expiry<String, Arc<LocalEntry<V>>> for UntilStaleEnds {
    fn expire_after_create(&self, _: &String, entry: &Arc<LocalEntry<V>>, _: std::time::Instant) -> Option<Duration> {
        Some(entry.stale_until.saturating_duration_since(Instant::now()))
    }

    fn expire_after_update(
        &self,
        key: &String,
        entry: &Arc<LocalEntry<V>>,
        now: std::time::Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(key, entry, now)
    }
}
