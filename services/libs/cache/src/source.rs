//! What a cache is of.

use std::error::Error;
use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use shop_policy::CacheName;

use crate::Tag;

/// What a cache is of: the type of its keys and values, and how a value is loaded.
pub trait Source: Send + Sync + 'static {
    /// The cache's name, by which it has its policy and its metrics.
    const NAME: CacheName;

    /// Part of the key in Redis, so that the bytes of one version of the program never reach the type of another. Raised by one
    /// whenever the JSON of [`Source::Value`] changes; a write drops the entries of the neighbouring numbers too, since during a
    /// rolling update both versions run.
    const SCHEMA: u32;

    /// The key. Its text must be short, and the same for the same key.
    type Key: Display + Clone + Send + Sync + 'static;

    /// The value, kept as JSON in Redis.
    type Value: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Why a load fails.
    type Error: Error + Send + Sync + 'static;

    /// Loads a value; none if there is nothing under that key, which is remembered too, for a shorter time.
    fn load(&self, key: &Self::Key) -> impl Future<Output = Result<Option<Loaded<Self::Value>>, Self::Error>> + Send;

    /// What a value depends on beside its key.
    fn tags(&self, _key: &Self::Key, _value: &Self::Value) -> Vec<Tag> {
        Vec::new()
    }
}

/// A value from its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded<V> {
    /// The value.
    pub value: V,
    /// How long the value holds, if it knows itself: a price that ends at noon is not kept beyond noon, whatever the policy's ttl.
    pub at_most: Option<Duration>,
}

impl<V> From<V> for Loaded<V> {
    fn from(value: V) -> Self {
        Self { value, at_most: None }
    }
}
