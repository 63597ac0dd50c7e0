//! The moves of orders: by the clock, by their customer, by an admin. All of them come here, so each is made once, is written into the
//! history, and is told of, in one transaction.

mod clocked;

use std::collections::HashMap;
use std::time::Duration;

use shop_outbox::NewEvent;
use shop_runtime::traced;
use shop_types::{OrderId, OrderStatus, UserId};
use sqlx::PgConnection;

use crate::domain::lifecycle;
use crate::domain::order::OrderDetails;
use crate::error::Error;
use crate::events::{ORDER_CANCELLED, ORDER_NEWS, ORDER_STATUS, OrderCancelled, OrderMoved};
use crate::metrics::OrderMetrics;
use crate::moves::clocked::Clocked;
use crate::orders::Orders;
use crate::store::moves::{Found, Move};
use crate::store::{moves, orders};

/// Moves that were made but not committed yet: from where, to where, at what age of the order.
struct Made(Vec<(OrderStatus, OrderStatus, Duration)>);

impl Made {
    fn count(self, metrics: &OrderMetrics) {
        for (from, to, age) in self.0 {
            metrics.moved(from, to, age);
        }
    }
}

impl Orders {
    /// Moves up to `limit` orders whose time has come, each by one state, and tells of it; how many were found. Orders that another
    /// replica is just moving are not waited for.
    pub async fn tick(&self, limit: i64) -> Result<usize, Error> {
        let mut transaction = self.db.begin().await?;
        let due = moves::take_due(&mut transaction, limit).await?;
        let found = due.len();
        let step = |order: Found| lifecycle::next(order.status).map(|to| self.step(order, to));
        let steps: Vec<Move> = due.into_iter().filter_map(step).collect();
        if steps.is_empty() {
            return Ok(0);
        }
        let Clocked { context, span, transitions } = Clocked::begin(&steps);
        let work = async {
            let made = carry_out(&mut transaction, &steps, |order| transitions.trace(order)).await?;
            transaction.commit().await?;
            Ok(made)
        };
        let made: Result<Made, Error> = context.scope(span.run(work)).await;
        transitions.end(&made);
        made?.count(&self.metrics);
        Ok(found)
    }

    /// Calls the customer's order off, if it is not shipped yet; one that was called off before stays as it is.
    #[traced("cancel_order")]
    pub async fn cancel(&self, user: UserId, id: OrderId) -> Result<OrderDetails, Error> {
        let may = |order: &Found| order.user_id == user;
        self.move_one(id, OrderStatus::Cancelled, may, |order| Error::CannotCancel(id, order.status)).await
    }

    /// Moves an order now instead of when its time comes, if the step is one of the machine; an order that is there already stays.
    #[traced("advance_order")]
    pub async fn advance(&self, id: OrderId, to: OrderStatus) -> Result<OrderDetails, Error> {
        self.move_one(id, to, |_| true, |order| Error::IllegalStep { id, from: order.status, to }).await
    }

    /// Waits until nobody else is moving the order, and then moves it. Asked again, since an answer was lost, it finds the order moved.
    async fn move_one(
        &self,
        id: OrderId,
        to: OrderStatus,
        may: impl FnOnce(&Found) -> bool,
        illegal: impl FnOnce(&Found) -> Error,
    ) -> Result<OrderDetails, Error> {
        let mut transaction = self.db.begin().await?;
        let refused = match moves::lock(&mut transaction, id).await?.filter(may) {
            Some(order) if order.status == to || lifecycle::allowed(order.status, to) => {
                let steps: Vec<Move> = (order.status != to).then(|| self.step(order, to)).into_iter().collect();
                // Here and now, and so a part of the trace of whoever asks for it.
                let made = carry_out(&mut transaction, &steps, |_| None).await?;
                // Before the commit: who could not be told of what was done would have to ask again.
                let details = orders::details(&mut transaction, id).await?.ok_or(Error::NotFound(id))?;
                transaction.commit().await?;
                made.count(&self.metrics);
                return Ok(details);
            }
            Some(order) => illegal(&order),
            None => Error::NotFound(id),
        };
        // Before the answer: the clock would pass over an order that is still locked.
        transaction.rollback().await?;
        Err(refused)
    }

    fn step(&self, order: Found, to: OrderStatus) -> Move {
        let due_at = self.lifecycle.due_at(to, order.created_at);
        Move { order, to, due_at }
    }
}

/// Makes the moves and writes down who is to be told of them, each in the trace that it belongs to.
async fn carry_out(
    db: &mut PgConnection,
    steps: &[Move],
    trace: impl Fn(OrderId) -> Option<String>,
) -> Result<Made, Error> {
    if steps.is_empty() {
        return Ok(Made(Vec::new()));
    }
    let by_order: HashMap<OrderId, &Move> = steps.iter().map(|step| (step.order.id, step)).collect();
    let moved = moves::make(&mut *db, steps).await?;
    let (mut made, mut events) = (Vec::with_capacity(moved.len()), Vec::with_capacity(2 * moved.len()));
    for step in &moved {
        let Some(Move { order, to, .. }) = by_order.get(&step.id).copied() else { continue };
        let to = *to;
        let news = OrderMoved {
            user_id: order.user_id,
            order_id: order.id,
            status: to,
            version: Some(step.version),
            occurred_at: step.at,
        };
        let trace = trace(order.id);
        events.push(NewEvent::new(ORDER_STATUS, &news)?.in_trace(trace.clone()));
        events.push(NewEvent::new(ORDER_NEWS, &news)?.in_trace(trace.clone()));
        if to == OrderStatus::Cancelled {
            let cancelled = NewEvent::new(ORDER_CANCELLED, &OrderCancelled { order_id: order.id })?;
            events.push(cancelled.in_trace(trace));
        }
        made.push((order.status, to, (step.at - order.created_at).unsigned_abs()));
    }
    shop_outbox::enqueue_all(&mut *db, events).await?;
    moves::announce(db, &moved).await?;
    Ok(Made(made))
}
