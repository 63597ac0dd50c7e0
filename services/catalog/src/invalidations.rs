//! Invalidations that can't be lost. What is in the outbox the relay carries out, whatever becomes of this process and of Redis.

use shop_cache::{Caches, InvalidationError, Pending, Reason, Tag};
use shop_outbox::{OutboxError, enqueue};
use shop_policy::CacheName;
use shop_types::EventId;
use sqlx::{PgConnection, PgPool};

use crate::store;

/// What has one of these tags in a cache of any service; everything in it, if there are none.
pub const fn tagged(cache: CacheName, tags: Vec<Tag>) -> Pending {
    Pending { cache, schema: 0, keys: Vec::new(), tags }
}

/// Everything in a cache of any service.
pub const fn everything(cache: CacheName) -> Pending {
    tagged(cache, Vec::new())
}

/// Tells the caches, and has an outbox for what they do not hear.
#[derive(Clone, Debug)]
pub struct Invalidations {
    db: PgPool,
    caches: Caches,
}

/// Invalidations that are in the outbox.
#[derive(Debug, Default)]
#[must_use = "the relay would be late with them"]
pub struct Noted {
    pending: Vec<Pending>,
    events: Vec<EventId>,
}

/// Puts invalidations by tag into the outbox, in the transaction of the change that they follow from.
pub async fn note(connection: &mut PgConnection, pending: Vec<Pending>) -> Result<Noted, OutboxError> {
    let mut events = Vec::with_capacity(pending.len());
    for pending in &pending {
        events.push(enqueue(connection, Pending::TOPIC, pending).await?);
    }
    Ok(Noted { pending, events })
}

impl Invalidations {
    /// Invalidations in these caches, with the outbox of this database.
    pub const fn new(db: PgPool, caches: Caches) -> Self {
        Self { db, caches }
    }

    /// Carries out at once, now that the change is committed, what the outbox has too in case that this process ends here, or Redis is
    /// away.
    pub async fn carry_out(&self, noted: Noted, reason: Reason) {
        let Noted { pending, events } = noted;
        for pending in &pending {
            if let Err(error) = self.tell(pending, reason).await {
                tracing::debug!(%error, "invalidations will be carried out when Redis is back");
                return;
            }
        }
        if !events.is_empty()
            && let Err(error) = store::outbox::forget(&self.db, &events).await
        {
            tracing::debug!(%error, "invalidations will be carried out once more");
        }
    }

    /// Carries out what somebody asks for, and tells whether it is done. If not, Redis is away, and the outbox has it.
    pub async fn request(&self, pending: &Pending) -> Result<bool, OutboxError> {
        let Err(error) = self.tell(pending, Reason::Request).await else { return Ok(true) };
        tracing::debug!(%error, "an invalidation that was asked for will be carried out when Redis is back");
        let mut connection = self.db.acquire().await?;
        enqueue(&mut connection, Pending::TOPIC, pending).await?;
        Ok(false)
    }

    async fn tell(&self, pending: &Pending, reason: Reason) -> Result<(), InvalidationError> {
        if pending.tags.is_empty() {
            self.caches.invalidate_all(pending.cache).await
        } else {
            self.caches.invalidate_tags(pending.cache, &pending.tags, reason).await
        }
    }
}
