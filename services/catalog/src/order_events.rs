//! What becomes of orders, passed on to the customer's own sockets.

use shop_outbox::inbox;
use shop_types::EventId;
use sqlx::PgPool;

use crate::domain::event::OrderNews;
use crate::error::Error;
use crate::store;

/// The news of orders.
#[derive(Clone, Debug)]
pub struct OrderEvents {
    pool: PgPool,
}

impl OrderEvents {
    /// News that are kept in this database.
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Numbers events, each for its order's owner; those that are told again change nothing.
    pub async fn record(&self, events: &[(EventId, OrderNews)]) -> Result<(), Error> {
        let ids: Vec<_> = events.iter().map(|(id, _)| *id).collect();
        let mut transaction = self.pool.begin().await?;
        let fresh = inbox::first_times(&mut transaction, &ids).await?;
        if fresh.is_empty() {
            return Ok(());
        }
        let mut news: Vec<_> = events.iter().filter(|(id, _)| fresh.contains(id)).map(|(_, news)| *news).collect();
        // So that what is told together of one order comes in the order in which it happened.
        news.sort_by_key(|news| news.version);
        store::events::hold(&mut *transaction).await?;
        store::own_events::append(&mut *transaction, &news).await?;
        Ok(transaction.commit().await?)
    }
}
