//! The transactions in which stock changes hands. HTTP and the expiry task both come here.
//!
//! Each transaction first gets hold of the order's row in `reservations` and then of its products, so that whatever happens to one
//! order happens one after the other, and orders that share products queue up instead of deadlocking.

use std::time::Duration;

use shop_runtime::job::Round;
use shop_runtime::traced;
use shop_types::{OrderId, OrderLine};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::changes::{Change, Changes};
use crate::domain::reservation::{Basket, ReservationState};
use crate::error::Error;
use crate::metrics::{CatalogMetrics, StockOutcome};
use crate::sales::first_numbered_at;
use crate::store::reservations as rows;

/// How long it is remembered what became of an order's stock: longer than an order can be cancelled, and than any message can be late.
pub const KEPT: time::Duration = time::Duration::days(90);

/// How many orders one statement forgets.
const FORGET_BATCH: u16 = 1_000;

/// The stock and who may have it.
#[derive(Clone, Debug)]
pub struct Reservations {
    pool: PgPool,
    changes: Changes,
    lifetime: Duration,
    metrics: CatalogMetrics,
}

impl Reservations {
    /// Reservations that hold their stock for `lifetime` unless they are committed.
    pub const fn new(pool: PgPool, changes: Changes, lifetime: Duration, metrics: CatalogMetrics) -> Self {
        Self { pool, changes, lifetime, metrics }
    }

    /// Takes the stock for an order, all or nothing, or repeats the answer that the order got before.
    #[traced("reserve_stock")]
    pub async fn reserve(&self, order: OrderId, basket: &Basket) -> Result<Vec<OrderLine>, Error> {
        let mut change = self.changes.begin().await?;
        let outcome = self.take(&mut change, order, basket).await;
        let ended = change.end(outcome).await;
        match &ended {
            Ok((outcome, _)) => self.metrics.stock_moved(*outcome, 1),
            Err(Error::OutOfStock(_)) => self.metrics.stock_moved(StockOutcome::OutOfStock, 1),
            Err(Error::NotSold(_) | Error::Released(_)) => self.metrics.stock_moved(StockOutcome::Refused, 1),
            Err(_) => {}
        }
        ended.map(|(_, lines)| lines)
    }

    async fn take(
        &self,
        change: &mut Change,
        order: OrderId,
        basket: &Basket,
    ) -> Result<(StockOutcome, Vec<OrderLine>), Error> {
        let Some(taken) = rows::take(&mut **change, order, basket, self.lifetime).await? else {
            return Ok((StockOutcome::Replayed, taken_before(change, order, basket).await?));
        };
        if basket.is_met_by(&taken) {
            // Only now: what is refused or repeated changes nothing, and would but throw products out of the cache that many want.
            change.announce_products(taken.iter().map(|line| line.product_id).collect()).await;
            return Ok((StockOutcome::Reserved, taken));
        }
        // The products are still locked, so these numbers are those by which the basket failed. The transaction is rolled back: the
        // order has no row, and may come again when there is more.
        let stock = rows::stock(&mut **change, basket).await?;
        let not_sold = basket.not_among(&stock);
        if not_sold.is_empty() {
            Err(Error::OutOfStock(basket.shortages(&stock)))
        } else {
            Err(Error::NotSold(not_sold))
        }
    }

    /// Makes the order's stock sold, so that no deadline gives it back.
    #[traced("commit_stock")]
    pub async fn commit(&self, order: OrderId) -> Result<(), Error> {
        if rows::mark_committed(&self.pool, order).await? {
            self.metrics.stock_moved(StockOutcome::Committed, 1);
            tracing::info!(order_id = %order, "an order's stock is sold");
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
    #[traced("release_stock")]
    pub async fn release(&self, order: OrderId) -> Result<(), Error> {
        let mut change = self.changes.begin().await?;
        let outcome = give_back_once(&mut change, order).await;
        if let Some(outcome) = change.end(outcome).await? {
            self.metrics.stock_moved(outcome, 1);
        }
        Ok(())
    }

    /// Forgets orders that were sold or called off [`KEPT`] before now, a part at a time. Until then a cancelled order gets its stock back,
    /// and a reserve that was called off before it arrived is refused.
    pub async fn forget(&self, now: OffsetDateTime) -> Result<Round, Error> {
        let old = now - KEPT;
        let forgotten = rows::forget(&self.pool, old, first_numbered_at(old), FORGET_BATCH.into()).await?;
        Ok(if forgotten == u64::from(FORGET_BATCH) { Round::More } else { Round::Rest })
    }

    /// Releases at most so many reservations whose deadline has passed, and tells how many there were.
    pub async fn expire(&self, at_most: u16) -> Result<usize, Error> {
        let mut change = self.changes.begin().await?;
        let outcome = give_back_overdue(&mut change, at_most.into()).await;
        let orders = change.end(outcome).await?;
        if !orders.is_empty() {
            self.metrics.stock_moved(StockOutcome::Expired, orders.len() as u64);
        }
        for order in &orders {
            tracing::info!(order_id = %order, "the reservation expired, its stock is back");
        }
        Ok(orders.len())
    }
}

/// The order was seen before: what it got then, it gets again.
async fn taken_before(connection: &mut PgConnection, order: OrderId, basket: &Basket) -> Result<Vec<OrderLine>, Error> {
    match rows::state(&mut *connection, order).await? {
        Some(ReservationState::Held | ReservationState::Committed) => {}
        // None: gone since it was opened, which no statement of ours does.
        Some(ReservationState::Released) | None => return Err(Error::Released(order)),
    }
    let lines = rows::lines(connection, order).await?;
    if basket.is_met_by(&lines) { Ok(lines) } else { Err(Error::OtherLines(order)) }
}

/// None if the order was released before.
async fn give_back_once(change: &mut Change, order: OrderId) -> Result<Option<StockOutcome>, Error> {
    if !rows::mark_released(&mut **change, order).await? {
        return Ok(None);
    }
    let products = give_back(change, &[order]).await?;
    Ok(Some(if products == 0 { StockOutcome::Tombstoned } else { StockOutcome::Released }))
}

async fn give_back_overdue(change: &mut Change, at_most: i64) -> Result<Vec<OrderId>, Error> {
    let orders = rows::mark_expired(&mut **change, at_most).await?;
    give_back(change, &orders).await?;
    Ok(orders)
}

/// Gives the stock of orders back that were marked as released in this transaction, which is what keeps their lines as they are.
async fn give_back(change: &mut Change, orders: &[OrderId]) -> Result<u64, Error> {
    let products = rows::products_of(&mut **change, orders).await?;
    if products.is_empty() {
        return Ok(0);
    }
    change.announce_products(products).await;
    Ok(rows::give_back(&mut **change, orders).await?)
}
