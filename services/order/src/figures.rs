//! Figures about orders, at a cost that does not grow with them.
//!
//! Each figure reads a window of time by an index, the newest first, and stops at a number of rows; what is asked again within some
//! seconds gets the same answer, and a replica computes one at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use shop_types::{Currency, Money, OrderStatus};
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::sync::Mutex;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::error::Error;
use crate::store::figures as rows;

/// The most orders that one figure is made of.
const MOST: i64 = 100_000;

/// The most overdue orders that are counted: that there are many is all that matters then.
const MOST_OVERDUE: i64 = 10_000;

/// How late an order may be before it is called overdue: the clock of a busy shop, or after a restart, takes a moment.
const GRACE: Duration = Duration::from_secs(60);

/// How long an answer is good for.
const FRESH: Duration = Duration::from_secs(5);

/// Figures about orders.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Figures {
    /// The time that they are of.
    pub window: Window,
    /// Orders placed in that time, by the state that they are in now.
    pub by_status: Vec<InStatus>,
    /// Deliveries in that time.
    pub deliveries: Deliveries,
    /// Orders that should have moved on more than a minute ago, whenever they were placed.
    pub overdue: Overdue,
}

/// The time that figures are of.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Window {
    /// From then.
    #[serde(with = "time::serde::rfc3339")]
    pub from: OffsetDateTime,
    /// Until then.
    #[serde(with = "time::serde::rfc3339")]
    pub to: OffsetDateTime,
    /// Whether everything in that time was looked at. If not, the figures are of the newest 100,000.
    pub complete: bool,
}

/// The orders in one state.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct InStatus {
    /// The state.
    pub status: OrderStatus,
    /// How many.
    pub orders: i64,
    /// What they cost together.
    pub total: Money,
}

/// How long deliveries took, from the order's creation, in seconds.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Deliveries {
    /// How many there were.
    pub orders: i64,
    /// Half of them took no longer.
    pub p50_seconds: Option<f64>,
    /// 95 of 100 took no longer.
    pub p95_seconds: Option<f64>,
    /// The mean.
    pub mean_seconds: Option<f64>,
}

/// Orders that should have moved on.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Overdue {
    /// How many; 10,000 if there are more.
    pub orders: i64,
    /// Since when the first of them.
    #[serde(with = "time::serde::rfc3339::option")]
    pub since: Option<OffsetDateTime>,
}

/// Where figures come from.
#[derive(Clone, Debug)]
pub struct FiguresDesk {
    db: PgPool,
    known: Arc<Mutex<HashMap<Duration, (Instant, Figures)>>>,
}

impl FiguresDesk {
    /// Figures of this database.
    pub fn new(db: PgPool) -> Self {
        Self { db, known: Arc::default() }
    }

    /// The figures of the last so much time. Whoever asks while they are computed waits for the same answer.
    pub async fn of_the_last(&self, time: Duration) -> Result<Figures, Error> {
        let mut known = self.known.lock().await;
        known.retain(|_, (at, _)| at.elapsed() < FRESH);
        if let Some((_, figures)) = known.get(&time) {
            return Ok(figures.clone());
        }
        let figures = self.compute(time).await?;
        known.insert(time, (Instant::now(), figures.clone()));
        Ok(figures)
    }

    async fn compute(&self, time: Duration) -> Result<Figures, Error> {
        let to = OffsetDateTime::now_utc();
        let from = to - time;
        let by_status = rows::by_status(&self.db, from, MOST).await?;
        let deliveries = rows::deliveries(&self.db, from, MOST).await?;
        let overdue = rows::overdue(&self.db, GRACE, MOST_OVERDUE).await?;
        let complete = by_status.iter().map(|row| row.orders).sum::<i64>() < MOST && deliveries.orders < MOST;
        let in_status = |status| {
            let row = by_status.iter().find(|row| row.status == status);
            let (orders, amount) = row.map_or((0, 0), |row| (row.orders, row.amount));
            InStatus { status, orders, total: Money::new(amount, Currency::Rub) }
        };
        Ok(Figures {
            window: Window { from, to, complete },
            by_status: OrderStatus::ALL.map(in_status).to_vec(),
            deliveries: Deliveries {
                orders: deliveries.orders,
                p50_seconds: deliveries.p50,
                p95_seconds: deliveries.p95,
                mean_seconds: deliveries.mean,
            },
            overdue: Overdue { orders: overdue.orders, since: overdue.since },
        })
    }
}
