//! All caches of a service.

use prometheus::Registry;
use secrecy::SecretString;
use shop_policy::CacheName;
use shop_runtime::redis::Redis;
use tokio_util::sync::CancellationToken;

use crate::{Cache, InvalidationError, LivePolicies, Pending, Reason, Source, Tag};

/// All caches of a service.
#[derive(Clone, Debug)]
pub struct Caches {
    policies: LivePolicies,
}

impl Caches {
    /// Caches of the shop of this name.
    pub fn new(
        _shop: &str,
        _service: &'static str,
        _redis: Redis,
        _redis_url: Option<&SecretString>,
        policies: LivePolicies,
        _registry: &Registry,
    ) -> Result<Self, prometheus::Error> {
        Ok(Self { policies })
    }

    /// A cache of this source.
    pub fn cache<S: Source>(&self, source: S) -> Cache<S> {
        Cache::new(self.policies.clone(), source)
    }

    /// Listens to invalidations, renews what is to be renewed, and tries again what failed, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        stop.cancelled().await;
    }

    /// The policies in force.
    pub const fn policies(&self) -> &LivePolicies {
        &self.policies
    }

    /// Drops everything of a cache, on all pods.
    #[expect(clippy::unused_async, reason = "skeleton")]
    pub async fn invalidate_all(&self, _cache: CacheName) -> Result<(), InvalidationError> {
        Ok(())
    }

    /// Drops what has one of the tags, on all pods.
    #[expect(clippy::unused_async, reason = "skeleton")]
    pub async fn invalidate_tags(&self, _: CacheName, _: &[Tag], _: Reason) -> Result<(), InvalidationError> {
        Ok(())
    }

    /// Carries out an invalidation that waited in an outbox.
    #[expect(clippy::unused_async, reason = "skeleton")]
    pub async fn carry_out(&self, _pending: &Pending) -> Result<(), InvalidationError> {
        Ok(())
    }
}
