//! Writes, announced before they are committed.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use shop_policy::CacheName;

use crate::{Source, Tag};

/// An invalidation that Redis could not be told of. In an outbox, in the transaction of the change, it can't be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The cache.
    pub cache: CacheName,
    /// The number of the values' type.
    pub schema: u32,
    /// The keys to drop.
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

/// A write that was announced. Its end must be told: [`Write::committed`] or [`Write::rolled_back`].
#[derive(Debug)]
#[must_use = "the end of the write must be told"]
pub struct Write<S>(PhantomData<S>);

impl<S: Source> Write<S> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }

    /// What must be put into the outbox in the same transaction: nothing, unless Redis could not be told of the write.
    pub fn pending(&self) -> Vec<Pending> {
        Vec::new()
    }

    /// The change is committed, with these values.
    #[expect(clippy::unused_async, reason = "skeleton")]
    pub async fn committed(self, _values: Vec<(S::Key, S::Value)>) {}

    /// Nothing was changed.
    #[expect(clippy::unused_async, reason = "skeleton")]
    pub async fn rolled_back(self) {}
}
