//! Writes, announced before they are committed.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shop_policy::{CacheName, Pattern};
use tokio::time::Instant;

use crate::cache::Inner;
use crate::channel::{Message, What};
use crate::lifetime::Lifetime;
use crate::load::beyond;
use crate::metrics::Refusal;
use crate::remote::{Keys, News, SharedStamp, Stored, Token};
use crate::{Reason, Source, Tag, spans};

/// An invalidation that Redis could not be told of. In an outbox, in the transaction of the change, it can't be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The cache.
    pub cache: CacheName,
    /// The number of the values' type.
    pub schema: u32,
    /// The keys to drop. If there are neither keys nor tags, everything is dropped.
    #[serde(default)]
    pub keys: Vec<String>,
    /// The tags to drop.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

impl Pending {
    /// The outbox topic of invalidations.
    pub const TOPIC: &str = "cache_invalidation";
}

/// A write that was announced. Its end must be told: [`Write::committed`] or [`Write::rolled_back`]. If it is dropped before, as when a
/// request is cancelled, nobody knows whether it was committed: pods drop the entry from memory, and nothing is stored under the key until
/// the announcement is forgotten, which is after any transaction could still commit.
#[must_use = "the end of the write must be told"]
pub struct Write<S: Source>(Option<Announced<S>>);

impl<S: Source> fmt::Debug for Write<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.0.iter().flat_map(|write| &write.keys).map(|announcement| &announcement.text);
        f.debug_list().entries(keys).finish()
    }
}

struct Announced<S: Source> {
    inner: Arc<Inner<S>>,
    keys: Vec<Announcement<S::Key>>,
    token: Token,
    /// None if Redis could not be told.
    stamp: Option<SharedStamp>,
}

struct Announcement<K> {
    key: K,
    text: String,
    keys: Keys,
}

impl<S: Source> Write<S> {
    pub(crate) async fn begin(inner: Arc<Inner<S>>, keys: Vec<S::Key>) -> Self {
        let mut keys: Vec<_> = keys
            .into_iter()
            .map(|key| {
                let text = key.to_string();
                Announcement { keys: inner.remote.keys(S::NAME, S::SCHEMA, &text), key, text }
            })
            .collect();
        // The same key twice would be a write that overlaps itself.
        keys.sort_by(|a, b| a.text.cmp(&b.text));
        keys.dedup_by(|a, b| a.text == b.text);
        let token = Token::unique();
        // From here on it may be announced, whether or not it is heard that it was, so dropping this future must be a dropped write too.
        let mut write = Self(Some(Announced { inner, keys, token, stamp: None }));
        if let Some(announced) = &mut write.0 {
            announced.stamp = announced.inner.remote.begin(&announced.redis_keys(), token).await.ok();
        }
        write
    }

    /// What must be put into the outbox in the same transaction: nothing, unless Redis could not be told of the write.
    pub fn pending(&self) -> Vec<Pending> {
        let unheard = |write: &&Announced<S>| {
            write.stamp.is_none() && write.inner.remote.is_configured() && !write.keys.is_empty()
        };
        self.0.as_ref().filter(unheard).map(Announced::pending).into_iter().collect()
    }

    /// The change is committed, with these values. They are put there if the pattern is to write through and no other write of the key
    /// overlapped; everything else that was announced is dropped. It is done even if the caller is cancelled.
    pub async fn committed(mut self, values: Vec<(S::Key, S::Value)>) {
        let Some(announced) = self.0.take() else { return };
        let committed = Instant::now();
        let put = async move { announced.commit(values, committed).await };
        let put = spans::of(S::NAME, "cache.put").run_and(put, |_, ()| {});
        // It can't be cancelled, and does not panic.
        let _ = tokio::spawn(beyond(put)).await;
    }

    /// Nothing was changed.
    pub async fn rolled_back(mut self) {
        let Some(announced) = self.0.take() else { return };
        let task = tokio::spawn(beyond(async move {
            if announced.inner.remote.is_configured() {
                // If this fails, the announcement is forgotten when its time is over.
                let _ = announced.inner.remote.abort(&announced.redis_keys(), announced.token).await;
            }
        }));
        let _ = task.await;
    }
}

impl<S: Source> Drop for Write<S> {
    fn drop(&mut self) {
        let Some(announced) = self.0.take() else { return };
        announced.void(Instant::now());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // Without the token: the announcement stays.
            runtime.spawn(beyond(async move { announced.drop_entries(&announced.keys, None, Instant::now()).await }));
        }
    }
}

impl<S: Source> Announced<S> {
    async fn commit(self, values: Vec<(S::Key, S::Value)>, committed: Instant) {
        let policy = self.inner.shared.policies.get(S::NAME);
        let writes_through = policy.pattern == Pattern::WriteThrough;
        let mut values: Vec<_> = values.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
        let (mut put, mut dropped) = (Vec::new(), Vec::new());
        for announcement in &self.keys {
            let value = values.iter().position(|(text, _)| *text == announcement.text);
            match (value, &self.stamp) {
                (Some(at), Some(stamp)) if writes_through => put.push((announcement, values.swap_remove(at).1, stamp)),
                _ => dropped.push(announcement),
            }
        }
        for (announcement, value, stamp) in put {
            let times = Lifetime::of(&policy, &announcement.text).for_value(None);
            let parcel = self.inner.parcel(&announcement.key, &value, times);
            if parcel.json.is_none() {
                dropped.push(announcement);
                continue;
            }
            let message = self.message(std::slice::from_ref(&announcement.text));
            let news = News { message: &message, since_commit: committed.elapsed() };
            match self.inner.remote.put(&announcement.keys, self.token, stamp, &parcel, news).await {
                Ok(Stored::Stored) => {}
                Ok(_) => self.inner.side.counters.refused(Refusal::Dropped),
                Err(_) => {
                    self.inner.side.counters.refused(Refusal::Redis);
                    dropped.push(announcement);
                }
            }
        }
        self.drop_entries(dropped, Some(self.token), committed).await;
        // Only now: what was read from Redis until here may have been the old value.
        self.void(committed);
    }

    /// Drops entries in Redis, now or when it is back.
    async fn drop_entries<'a>(
        &'a self,
        announcements: impl IntoIterator<Item = &'a Announcement<S::Key>>,
        token: Option<Token>,
        committed: Instant,
    ) {
        let (keys, texts): (Vec<_>, Vec<_>) =
            announcements.into_iter().map(|it| (it.keys.clone(), it.text.clone())).unzip();
        if keys.is_empty() || !self.inner.remote.is_configured() {
            return;
        }
        let message = self.message(&texts);
        let news = News { message: &message, since_commit: committed.elapsed() };
        if self.inner.remote.drop(&keys, token, news).await.is_err() {
            let pending = Pending { cache: S::NAME, schema: S::SCHEMA, keys: texts, tags: Vec::new() };
            self.inner.shared.note(pending, committed);
        }
    }

    fn void(&self, committed: Instant) {
        self.inner.side.void_keys(self.keys.iter().map(|it| it.text.as_str()), committed, Reason::Write);
    }

    fn message(&self, texts: &[String]) -> Message {
        let news = What::Keys { cache: S::NAME, keys: texts.to_vec(), reason: Reason::Write };
        Message { from: self.inner.shared.id, news }
    }

    fn pending(&self) -> Pending {
        let keys = self.keys.iter().map(|it| it.text.clone()).collect();
        Pending { cache: S::NAME, schema: S::SCHEMA, keys, tags: Vec::new() }
    }

    fn redis_keys(&self) -> Vec<Keys> {
        self.keys.iter().map(|it| it.keys.clone()).collect()
    }
}
