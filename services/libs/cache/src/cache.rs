//! One cache.

use std::sync::Arc;

use crate::status::Origin;
use crate::{CacheStatus, InvalidationError, LivePolicies, LoadError, Reason, Source, Write};

/// A value, and how it came about.
#[derive(Debug)]
pub struct Served<V> {
    /// The value; none if there is nothing under that key.
    pub value: Option<Arc<V>>,
    /// How it came about.
    pub status: CacheStatus,
}

/// One cache.
#[derive(Debug)]
pub struct Cache<S: Source> {
    source: Arc<S>,
    _policies: LivePolicies,
}

impl<S: Source> Clone for Cache<S> {
    fn clone(&self) -> Self {
        Self { source: Arc::clone(&self.source), _policies: self._policies.clone() }
    }
}

impl<S: Source> Cache<S> {
    pub(crate) fn new(policies: LivePolicies, source: S) -> Self {
        Self { source: Arc::new(source), _policies: policies }
    }

    /// The value under a key, from wherever it is had soonest.
    pub async fn get(&self, key: &S::Key) -> Result<Served<S::Value>, LoadError<S::Error>> {
        let loaded = self.source.load(key).await.map_err(|error| LoadError::Source(Arc::new(error)))?;
        let value = loaded.map(|loaded| Arc::new(loaded.value));
        Ok(Served { value, status: CacheStatus::new(S::NAME, Origin::Bypassed) })
    }

    /// Drops an entry, on all pods.
    #[expect(clippy::unused_async, reason = "skeleton")]
    pub async fn invalidate(&self, _key: &S::Key, _reason: Reason) -> Result<(), InvalidationError> {
        Ok(())
    }

    /// A change was committed and says so.
    #[expect(clippy::unused_async, reason = "skeleton")]
    pub async fn on_event(&self, _key: &S::Key) {}

    /// Announces a write, before its transaction is committed.
    #[expect(clippy::unused_async, reason = "skeleton")]
    pub async fn begin_write(&self, _keys: Vec<S::Key>) -> Write<S> {
        Write::new()
    }
}
