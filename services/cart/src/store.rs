//! SQL and nothing else. Functions that belong together take a connection, so that their caller owns the transaction.

pub mod additions;
pub mod carts;
pub mod checkouts;

use std::time::Duration;

use sqlx::postgres::types::PgInterval;

/// A duration as the database counts it; one that is too long to count is as long as can be.
fn interval(duration: Duration) -> PgInterval {
    PgInterval { months: 0, days: 0, microseconds: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2) }
}
