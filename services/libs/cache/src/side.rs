//! What a pod knows of one cache, whatever the type of its values: what is void, what was asked for, what was served.

use prometheus::Registry;
use shop_policy::CacheName;
use tokio::time::Instant;

use crate::fence::Fence;
use crate::ghost::Ghosts;
use crate::metrics::{Counters, Metrics};
use crate::staleness::{Staleness, StalenessHistogram};
use crate::{Reason, Tag, hash};

/// Stripes of the fence: 8 bytes each.
const STRIPES: usize = 4096;

/// Keys that are looked at more closely, for lifetimes and for staleness.
const SAMPLED_KEYS: usize = 1024;

/// What a pod knows of one cache.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) cache: CacheName,
    pub(crate) fence: Fence,
    pub(crate) ghosts: Ghosts,
    pub(crate) staleness: Staleness<StalenessHistogram>,
    pub(crate) counters: Counters,
}

impl Side {
    pub(crate) fn new(cache: CacheName, metrics: &Metrics, registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            cache,
            fence: Fence::new(STRIPES),
            ghosts: Ghosts::new(SAMPLED_KEYS, Instant::now()),
            staleness: Staleness::new(SAMPLED_KEYS, StalenessHistogram::register(cache.as_str(), registry)?),
            counters: metrics.of(cache),
        })
    }

    /// These keys are void, since something was committed at that moment.
    pub(crate) fn void_keys<'a>(&self, keys: impl IntoIterator<Item = &'a str>, committed: Instant, reason: Reason) {
        let now = Instant::now();
        for key in keys {
            let hash = hash::of_key(key);
            self.fence.invalidate(hash);
            self.ghosts.forget(hash);
            self.staleness.superseded(hash, committed, now);
            self.counters.invalidated(reason);
        }
    }

    /// What has one of these tags is void, or everything if there are none.
    pub(crate) fn void_tags(&self, tags: &[Tag], committed: Instant, reason: Reason) {
        let now = Instant::now();
        if tags.is_empty() {
            self.fence.invalidate_all();
            self.ghosts.clear();
            self.counters.invalidated(reason);
        }
        for tag in tags {
            let hash = hash::of_tag(tag.as_str());
            self.fence.invalidate(hash);
            self.ghosts.forget_tag(hash);
            self.staleness.superseded_tag(hash, committed, now);
            self.counters.invalidated(reason);
        }
    }

    /// Something may have been missed: nothing that is in memory holds any more.
    pub(crate) fn flush(&self) {
        self.fence.invalidate_all();
        self.counters.invalidated(Reason::Flush);
    }
}
