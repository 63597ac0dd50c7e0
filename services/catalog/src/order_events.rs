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

    /// Numbers an event for the order's owner; one that is told again changes nothing.
    pub async fn record(&self, event: EventId, news: &OrderNews) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        if !inbox::first_time(&mut transaction, event).await? {
            return Ok(());
        }
        store::events::hold(&mut *transaction).await?;
        store::own_events::append(&mut *transaction, news).await?;
        Ok(transaction.commit().await?)
    }
}
