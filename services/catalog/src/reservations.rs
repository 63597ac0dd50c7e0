//! The transactions in which stock changes hands. HTTP and the expiry task both come here.
//!
//! Each transaction first gets hold of the order's row in `reservations` and then of its products, so that whatever happens to one
//! order happens one after the other, and orders that share products queue up instead of deadlocking.

use std::time::Duration;

use shop_types::{OrderId, OrderLine};
use sqlx::{PgConnection, PgPool};

use crate::domain::reservation::{Basket, ReservationState};
use crate::error::Error;
use crate::metrics::{CatalogMetrics, StockOutcome};
use crate::store::reservations as rows;

/// The stock and who may have it.
#[derive(Clone, Debug)]
pub struct Reservations {
    pool: PgPool,
    lifetime: Duration,
    metrics: CatalogMetrics,
}

impl Reservations {
    /// Reservations that hold their stock for `lifetime` unless they are committed.
    pub const fn new(pool: PgPool, lifetime: Duration, metrics: CatalogMetrics) -> Self {
        Self { pool, lifetime, metrics }
    }

    /// Takes the stock for an order, all or nothing, or repeats the answer that the order got before.
    pub async fn reserve(&self, order: OrderId, basket: &Basket) -> Result<Vec<OrderLine>, Error> {
        let mut transaction = self.pool.begin().await?;
        if !rows::open(&mut *transaction, order, self.lifetime).await? {
            return self.reserve_again(&mut transaction, order, basket).await;
        }
        let taken = rows::take(&mut *transaction, order, basket).await?;
        if basket.is_met_by(&taken) {
            transaction.commit().await?;
            self.metrics.stock_moved(StockOutcome::Reserved, 1);
            return Ok(taken);
        }
        // The products are still locked, so these numbers are those by which the basket failed. The transaction is rolled back: the
        // order has no row, and may come again when there is more.
        let stock = rows::stock(&mut *transaction, basket).await?;
        transaction.rollback().await?;
        let not_sold = basket.not_among(&stock);
        if !not_sold.is_empty() {
            self.metrics.stock_moved(StockOutcome::Refused, 1);
            return Err(Error::NotSold(not_sold));
        }
        self.metrics.stock_moved(StockOutcome::OutOfStock, 1);
        Err(Error::OutOfStock(basket.shortages(&stock)))
    }

    /// The order was seen before: what it got then, it gets again.
    async fn reserve_again(
        &self,
        connection: &mut PgConnection,
        order: OrderId,
        basket: &Basket,
    ) -> Result<Vec<OrderLine>, Error> {
        match rows::state(&mut *connection, order).await? {
            Some(ReservationState::Held | ReservationState::Committed) => {}
            Some(ReservationState::Released) => {
                self.metrics.stock_moved(StockOutcome::Refused, 1);
                return Err(Error::Released(order));
            }
            // Gone since it was opened, which no statement of ours does.
            None => return Err(Error::Released(order)),
        }
        let lines = rows::lines(connection, order).await?;
        if !basket.is_met_by(&lines) {
            return Err(Error::OtherLines(order));
        }
        self.metrics.stock_moved(StockOutcome::Replayed, 1);
        Ok(lines)
    }

    /// Makes the order's stock sold, so that no deadline gives it back.
    pub async fn commit(&self, order: OrderId) -> Result<(), Error> {
        if rows::mark_committed(&self.pool, order).await? {
            self.metrics.stock_moved(StockOutcome::Committed, 1);
            return Ok(());
        }
        match rows::state(&self.pool, order).await? {
            Some(ReservationState::Committed) => Ok(()),
            // Also if it is held now but was not a moment ago: this commit was sent before its reserve was answered.
            Some(ReservationState::Released | ReservationState::Held) | None => {
                self.metrics.stock_moved(StockOutcome::Refused, 1);
                Err(Error::Released(order))
            }
        }
    }

    /// Gives the order's stock back, once, and sees to it that the order never takes any again, whatever is still on its way.
    pub async fn release(&self, order: OrderId) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        if !rows::mark_released(&mut *transaction, order).await? {
            return Ok(());
        }
        let products = rows::give_back(&mut *transaction, &[order]).await?;
        transaction.commit().await?;
        let outcome = if products == 0 { StockOutcome::Tombstoned } else { StockOutcome::Released };
        self.metrics.stock_moved(outcome, 1);
        Ok(())
    }

    /// Releases at most so many reservations whose deadline has passed, and tells how many there were.
    pub async fn expire(&self, at_most: u16) -> Result<usize, Error> {
        let mut transaction = self.pool.begin().await?;
        let orders = rows::mark_expired(&mut *transaction, at_most.into()).await?;
        if orders.is_empty() {
            return Ok(0);
        }
        rows::give_back(&mut *transaction, &orders).await?;
        transaction.commit().await?;
        self.metrics.stock_moved(StockOutcome::Expired, orders.len() as u64);
        for order in &orders {
            tracing::info!(order_id = %order, "the reservation expired, its stock is back");
        }
        Ok(orders.len())
    }
}
