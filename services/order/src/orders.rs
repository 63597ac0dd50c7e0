//! The transactions around orders: making one, moving those whose time has come, deleting old ones.

use std::collections::HashMap;
use std::time::Duration;

use shop_types::{OrderId, OrderStatus, Page, PageLimit, UserId};
use sqlx::PgPool;

use crate::domain::lifecycle::{self, Lifecycle};
use crate::domain::order::{NewOrder, Order, OrderDetails};
use crate::error::Error;
use crate::events::{ORDER_PLACED, ORDER_STATUS, OrderMoved, OrderPlaced};
use crate::metrics::OrderMetrics;
use crate::store::clock::Move;
use crate::store::{clock, orders};

/// The shop's orders.
#[derive(Clone, Debug)]
pub struct Orders {
    db: PgPool,
    lifecycle: Lifecycle,
    metrics: OrderMetrics,
}

/// What became of a request to make an order.
#[derive(Clone, Debug)]
pub enum Made {
    /// It is new.
    Now(Order),
    /// The same request has made it before.
    Before(Order),
}

impl Orders {
    /// Orders in this database that move by these times.
    pub const fn new(db: PgPool, lifecycle: Lifecycle, metrics: OrderMetrics) -> Self {
        Self { db, lifecycle, metrics }
    }

    /// Makes the order, or finds that the same request has made it before.
    pub async fn make(&self, id: OrderId, request: &NewOrder) -> Result<Made, Error> {
        request.check()?;
        let first_move_after = self.lifecycle.leaves_after(OrderStatus::Created).unwrap_or_default();
        let mut transaction = self.db.begin().await?;
        let is_new = orders::insert(&mut transaction, id, request, first_move_after).await?;
        // Asked after the insert, which has waited for a transaction that was just deleting the order.
        if is_new && orders::is_deleted(&mut *transaction, id).await? {
            transaction.rollback().await?;
            return Err(Error::Deleted(id));
        }
        let order = orders::find(&mut transaction, id).await?.ok_or(Error::Deleted(id))?;
        if !is_new {
            transaction.rollback().await?;
            return if order.is_of(request) { Ok(Made::Before(order)) } else { Err(Error::Differs(id)) };
        }
        let event =
            OrderMoved { user_id: order.user_id, order_id: id, status: order.status, occurred_at: order.created_at };
        shop_outbox::enqueue(&mut transaction, ORDER_STATUS, &event).await?;
        shop_outbox::enqueue(&mut transaction, ORDER_PLACED, &OrderPlaced::from(&order)).await?;
        transaction.commit().await?;
        self.metrics.created();
        Ok(Made::Now(order))
    }

    /// The customer's order with the way that it has come.
    pub async fn details(&self, user: UserId, id: OrderId) -> Result<OrderDetails, Error> {
        let mut db = self.db.acquire().await?;
        let order = orders::find(&mut db, id).await?.filter(|order| order.user_id == user);
        let order = order.ok_or(Error::NotFound(id))?;
        let history = orders::history(&mut *db, id).await?;
        Ok(OrderDetails { order, history })
    }

    /// A page of the customer's orders, newest first.
    pub async fn list(&self, user: UserId, before: Option<OrderId>, limit: PageLimit) -> Result<Page<Order>, Error> {
        let mut db = self.db.acquire().await?;
        let rows = orders::list(&mut db, user, before, limit).await?;
        Ok(Page::from_rows(rows, limit, |order| order.id)?)
    }

    /// Moves up to `limit` orders whose time has come, each by one state, and tells of it; how many were found. Orders that another
    /// replica is just moving are not waited for.
    pub async fn tick(&self, limit: i64) -> Result<usize, Error> {
        let mut transaction = self.db.begin().await?;
        let due = clock::take_due(&mut transaction, limit).await?;
        let steps: Vec<Move> = due
            .iter()
            .filter_map(|order| {
                let to = lifecycle::next(order.status)?;
                Some(Move { order: *order, to, due_at: self.lifecycle.due_at(to, order.created_at) })
            })
            .collect();
        if steps.is_empty() {
            return Ok(0);
        }
        let by_order: HashMap<OrderId, Move> = steps.iter().map(|step| (step.order.id, *step)).collect();
        let moved = clock::make(&mut transaction, &steps).await?;
        let mut counted = Vec::with_capacity(moved.len());
        for step in moved {
            let Some(Move { order, to, .. }) = by_order.get(&step.id).copied() else { continue };
            let event = OrderMoved { user_id: order.user_id, order_id: order.id, status: to, occurred_at: step.at };
            shop_outbox::enqueue(&mut transaction, ORDER_STATUS, &event).await?;
            counted.push((order.status, to, (step.at - order.created_at).unsigned_abs()));
        }
        transaction.commit().await?;
        for (from, to, age) in counted {
            self.metrics.moved(from, to, age);
        }
        Ok(due.len())
    }

    /// Deletes up to `limit` orders that were finished longer ago than that; how many there were.
    pub async fn delete_finished(&self, older_than: Duration, limit: i64) -> Result<u64, Error> {
        let deleted = orders::delete_finished(&self.db, older_than, limit).await?;
        self.metrics.deleted(deleted);
        Ok(deleted)
    }
}
