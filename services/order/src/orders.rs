//! The transactions around orders: making one, reading them, deleting old ones. How they move is in `moves`.

use std::time::Duration;

use shop_outbox::NewEvent;
use shop_runtime::{trace, traced};
use shop_types::{OrderId, OrderStatus, Page, PageLimit, UserId};
use sqlx::PgPool;

use crate::domain::lifecycle::Lifecycle;
use crate::domain::order::{NewOrder, Order, OrderDetails};
use crate::error::Error;
use crate::events::{ORDER_NEWS, ORDER_PLACED, ORDER_STATUS, OrderMoved, OrderPlaced};
use crate::metrics::OrderMetrics;
use crate::store::moves::Step;
use crate::store::orders::Filter;
use crate::store::{moves, orders};

/// The shop's orders.
#[derive(Clone, Debug)]
pub struct Orders {
    pub(crate) db: PgPool,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) metrics: OrderMetrics,
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
    #[traced("create_order")]
    pub async fn make(&self, id: OrderId, request: &NewOrder) -> Result<Made, Error> {
        request.check()?;
        let first_move_after = self.lifecycle.leaves_after(OrderStatus::Created).unwrap_or_default();
        let trace = trace::written();
        let mut transaction = self.db.begin().await?;
        let inserted = orders::insert(&mut *transaction, id, request, first_move_after, trace.as_deref()).await?;
        let Some(created_at) = inserted else {
            let order = orders::find(&mut transaction, id).await?.ok_or(Error::Deleted(id))?;
            transaction.rollback().await?;
            return if order.is_of(request) { Ok(Made::Before(order)) } else { Err(Error::Differs(id)) };
        };
        // Asked after the insert, which has waited for a transaction that was just deleting the order.
        if orders::is_deleted(&mut *transaction, id).await? {
            transaction.rollback().await?;
            return Err(Error::Deleted(id));
        }
        let order = Order::placed(id, request, created_at);
        let news = OrderMoved {
            user_id: order.user_id,
            order_id: id,
            status: order.status,
            version: Some(order.version),
            occurred_at: order.created_at,
        };
        let events = vec![
            NewEvent::new(ORDER_STATUS, &news)?,
            NewEvent::new(ORDER_NEWS, &news)?,
            NewEvent::new(ORDER_PLACED, &OrderPlaced::from(&order))?,
        ];
        shop_outbox::enqueue_all(&mut transaction, events).await?;
        transaction.commit().await?;
        self.metrics.created();
        tracing::info!(order_id = %id, "an order was placed");
        Ok(Made::Now(order))
    }

    /// The customer's order with the way that it has come.
    #[traced("get_order")]
    pub async fn details(&self, user: UserId, id: OrderId) -> Result<OrderDetails, Error> {
        let mut db = self.db.acquire().await?;
        let details = orders::details(&mut db, id).await?;
        details.filter(|details| details.order.user_id == user).ok_or(Error::NotFound(id))
    }

    /// A page of orders, newest first.
    #[traced("list_orders")]
    pub async fn list(&self, filter: Filter, before: Option<OrderId>, limit: PageLimit) -> Result<Page<Order>, Error> {
        let mut db = self.db.acquire().await?;
        let rows = orders::list(&mut db, filter, before, limit).await?;
        Ok(Page::from_rows(rows, limit, |order| order.id)?)
    }

    /// The moves of an order after the one that led to this version, oldest first.
    pub async fn since(&self, id: OrderId, version: i32) -> Result<Vec<Step>, Error> {
        Ok(moves::since(&self.db, id, version).await?)
    }

    /// Deletes up to `limit` orders that were finished longer ago than that; how many there were.
    pub async fn delete_finished(&self, older_than: Duration, limit: i64) -> Result<u64, Error> {
        let deleted = orders::delete_finished(&self.db, older_than, limit).await?;
        self.metrics.deleted(deleted);
        Ok(deleted)
    }
}
