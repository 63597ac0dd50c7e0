//! What was sold: noted once for each order, forgotten when nothing looks at it any more.

use shop_cache::{Reason, Tag};
use shop_outbox::inbox;
use shop_policy::CacheName;
use shop_runtime::job::{self, Round};
use shop_types::{EventId, OrderId};
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::cached::recommendations::tag_of;
use crate::domain::sale::{HISTORY, Sale};
use crate::error::Error;
use crate::invalidations::{self, Invalidations};
use crate::store;

/// How many lines one statement deletes.
const BATCH: u16 = 5_000;

/// How long an event is remembered, in days: longer than any relay goes on with it.
const INBOX_DAYS: i32 = 30;

/// How often to look for what is too old.
const FORGET_EVERY: std::time::Duration = std::time::Duration::from_secs(3600);

/// What was sold.
#[derive(Clone, Debug)]
pub struct Sales {
    pool: PgPool,
    invalidations: Invalidations,
}

impl Sales {
    /// Sales in this database, of which the caches are told so.
    pub const fn new(pool: PgPool, invalidations: Invalidations) -> Self {
        Self { pool, invalidations }
    }

    /// Notes what orders bought; events that are told again change nothing.
    pub async fn record(&self, mut sales: Vec<(EventId, Sale)>) -> Result<(), Error> {
        let ids: Vec<_> = sales.iter().map(|(id, _)| *id).collect();
        let mut transaction = self.pool.begin().await?;
        // Whoever took one before noted with it what follows from it.
        let fresh = inbox::first_times(&mut transaction, &ids).await?;
        sales.retain(|(id, _)| fresh.contains(id));
        if sales.is_empty() {
            return Ok(());
        }
        // One that was cancelled before it arrived is remembered like the others, so that it need not come again.
        let orders: Vec<_> = sales.iter().map(|(_, sale)| sale.order_id).collect();
        let counting = store::sales::counting(&mut *transaction, &orders).await?;
        sales.retain(|(_, sale)| counting.contains(&sale.order_id));
        if sales.is_empty() {
            return Ok(transaction.commit().await?);
        }
        store::sales::insert(&mut *transaction, sales.iter().map(|(_, sale)| sale)).await?;
        let customers = sales.iter().map(|(_, sale)| tag_of(sale.user_id)).collect();
        let outdated = invalidations::tagged(CacheName::Recommendations, customers);
        let noted = invalidations::note(&mut transaction, vec![outdated]).await?;
        transaction.commit().await?;
        self.invalidations.carry_out(noted, Reason::Event).await;
        Ok(())
    }

    /// Has an order count no more, whether it was told of before or will be.
    pub async fn cancel(&self, order: OrderId) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        if !store::sales::cancel(&mut *transaction, order).await? {
            return Ok(());
        }
        let lines = store::sales::take_back(&mut *transaction, order).await?;
        let mut outdated = Vec::new();
        if let Some((customer, _)) = lines.first() {
            let products = lines.iter().map(|(_, product)| Tag::new("product", product)).collect();
            outdated.push(invalidations::tagged(CacheName::Recommendations, vec![tag_of(*customer)]));
            outdated.push(invalidations::tagged(CacheName::Bestsellers, products));
        }
        let noted = invalidations::note(&mut transaction, outdated).await?;
        transaction.commit().await?;
        self.invalidations.carry_out(noted, Reason::Event).await;
        Ok(())
    }

    /// Deletes what nothing looks at any more, a part at a time.
    pub async fn forget(&self, now: OffsetDateTime) -> Result<Round, Error> {
        let old = now - HISTORY;
        let deleted = store::sales::delete_older_than(&self.pool, old, BATCH.into()).await?;
        let forgotten = store::sales::forget_orders(&self.pool, old, first_numbered_at(old), BATCH.into()).await?;
        if deleted.max(forgotten) == u64::from(BATCH) {
            return Ok(Round::More);
        }
        let mut connection = self.pool.acquire().await?;
        inbox::forget_older_than(&mut connection, INBOX_DAYS).await?;
        Ok(Round::Rest)
    }
}

/// The lowest number that an order of this moment can have: its first 48 bits are the time (RFC 9562, version 7).
pub fn first_numbered_at(moment: OffsetDateTime) -> Uuid {
    let millis = u128::try_from(moment.unix_timestamp_nanos().max(0) / 1_000_000).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}

/// Deletes old sales until `stop`.
pub async fn forget(sales: Sales, stop: CancellationToken) {
    job::repeat("forget-sales", FORGET_EVERY, stop, || sales.forget(OffsetDateTime::now_utc())).await;
}
