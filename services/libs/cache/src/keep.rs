//! What goes into the memory of the pod: entries from Redis, and what was just loaded.

use std::sync::Arc;
use std::time::Duration;

use shop_policy::{LocalTier, Policy};
use tokio::time::Instant;

use crate::cache::{Inner, Value};
use crate::fence::Stamp;
use crate::lifetime::Lifetime;
use crate::local::LocalEntry;
use crate::remote::RemoteEntry;
use crate::{Source, Tag, hash};

impl<S: Source> Inner<S> {
    /// Takes a fresh entry from Redis over into memory; none if it is not of our type.
    pub(crate) fn take(
        &self,
        text: &str,
        lifetime: &Lifetime,
        entry: &RemoteEntry,
        since: (Stamp, Instant),
    ) -> Option<(Value<S::Value>, Duration)> {
        let value = self.decode(entry)?;
        let left = lifetime.left(entry).unwrap_or_default();
        let policy = self.shared.policies.get(S::NAME);
        let stale = if entry.json().is_some() { entry.stale.min(lifetime.stale()) } else { Duration::ZERO };
        if let Some(tier) = policy.local_tier() {
            let hashes = entry.tags().map(hash::of_tag);
            let depends_on = std::iter::once(hash::of_key(text)).chain(hashes).collect();
            let renew_in = lifetime.renew_in(entry.fresh, left);
            self.keep_entry(tier, text, (value.clone(), depends_on), since, (left, stale, renew_in));
        }
        Some((value, left))
    }

    /// Keeps what was just loaded in memory, and tells what it depends on.
    pub(crate) fn keep(
        &self,
        text: &str,
        policy: &Policy,
        value: Option<&Arc<S::Value>>,
        since: (Stamp, Instant),
        times: (Duration, Duration),
        tags: &[Tag],
    ) -> Box<[u64]> {
        let hashes = tags.iter().map(|tag| hash::of_tag(tag.as_str()));
        let depends_on: Box<[u64]> = std::iter::once(hash::of_key(text)).chain(hashes).collect();
        if let Some(tier) = policy.local_tier() {
            let (fresh, stale) = times;
            let renew_in = Lifetime::of(policy, text).renew_in(fresh, fresh);
            self.keep_entry(tier, text, (value.cloned(), depends_on.clone()), since, (fresh, stale, renew_in));
        }
        depends_on
    }

    fn keep_entry(
        &self,
        tier: LocalTier,
        text: &str,
        (value, depends_on): (Value<S::Value>, Box<[u64]>),
        (stamp, loaded): (Stamp, Instant),
        (fresh, stale, renew_in): (Duration, Duration, Option<Duration>),
    ) {
        let tags = &depends_on[1..];
        if !tags.is_empty() {
            self.side.ghosts.tagged(depends_on[0], tags);
            self.side.staleness.tagged(depends_on[0], tags);
        }
        let fresh_until = loaded + fresh;
        let entry = LocalEntry {
            value,
            stamp,
            loaded,
            depends_on,
            fresh_until,
            stale_until: fresh_until + stale,
            refresh_at: renew_in.map(|renew_in| loaded + renew_in),
        };
        self.local.put(tier, text, entry);
    }

    /// The entry's value; none if it is not of our type.
    pub(crate) fn decode(&self, entry: &RemoteEntry) -> Option<Value<S::Value>> {
        let Some(json) = entry.json() else { return Some(None) };
        match serde_json::from_slice(json) {
            Ok(value) => Some(Some(Arc::new(value))),
            Err(error) => {
                self.side.counters.undecodable.inc();
                tracing::warn!(cache = %S::NAME, %error, "an entry in Redis is not of the type it should be");
                None
            }
        }
    }
}
