//! Sums over many orders. Each statement reads no more rows than it is told, the newest by an index, however many there are.

use std::time::Duration;

use shop_runtime::query;
use shop_types::OrderStatus;
use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::orders::interval;

/// The orders in one state.
#[derive(Clone, Copy, Debug)]
pub struct InStatus {
    /// The state.
    pub status: OrderStatus,
    /// How many.
    pub orders: i64,
    /// What they cost together, in minor units; as much as can be counted if it is more.
    pub amount: i64,
}

/// How long deliveries took, in seconds; nothing if there were none.
#[derive(Clone, Copy, Debug)]
pub struct Deliveries {
    /// How many.
    pub orders: i64,
    /// The time that half of them took at most.
    pub p50: Option<f64>,
    /// The time that 95 of 100 took at most.
    pub p95: Option<f64>,
    /// The mean.
    pub mean: Option<f64>,
}

/// Orders that should have moved on.
#[derive(Clone, Copy, Debug)]
pub struct Overdue {
    /// How many.
    pub orders: i64,
    /// Since when the first of them.
    pub since: Option<OffsetDateTime>,
}

/// Orders placed since then, by state; of at most `limit`, the newest.
#[query]
pub async fn by_status(db: impl PgExecutor<'_>, since: OffsetDateTime, limit: i64) -> sqlx::Result<Vec<InStatus>> {
    sqlx::query_as!(
        InStatus,
        r#"SELECT status AS "status!: OrderStatus", count(*) AS "orders!",
                  least(sum(total_amount), 9223372036854775807)::bigint AS "amount!"
           FROM (SELECT status, total_amount FROM orders WHERE created_at >= $1 ORDER BY created_at DESC LIMIT $2) AS newest
           GROUP BY status"#,
        since,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Deliveries since then; of at most `limit`, the newest.
#[query]
pub async fn deliveries(db: impl PgExecutor<'_>, since: OffsetDateTime, limit: i64) -> sqlx::Result<Deliveries> {
    sqlx::query_as!(
        Deliveries,
        r#"SELECT count(*) AS "orders!",
                  percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
                  percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95,
                  avg(seconds) AS mean
           FROM (SELECT extract(epoch FROM updated_at - created_at)::float8 AS seconds FROM orders
                 WHERE due_at IS NULL AND updated_at >= $1 AND status = 'DELIVERED'
                 ORDER BY updated_at DESC LIMIT $2) AS newest"#,
        since,
        limit,
    )
    .fetch_one(db)
    .await
}

/// Orders that should have moved on longer ago than `grace`; at most `limit` are counted.
#[query]
pub async fn overdue(db: impl PgExecutor<'_>, grace: Duration, limit: i64) -> sqlx::Result<Overdue> {
    sqlx::query_as!(
        Overdue,
        r#"SELECT count(*) AS "orders!", min(due_at) AS since
           FROM (SELECT due_at FROM orders WHERE due_at < now() - $1::interval ORDER BY due_at LIMIT $2) AS late"#,
        interval(grace),
        limit,
    )
    .fetch_one(db)
    .await
}
