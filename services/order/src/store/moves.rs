//! Orders that are about to move, and their moves.

use shop_runtime::query;
use shop_types::{OrderId, OrderStatus, UserId};
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use uuid::Uuid;

/// Where every replica hears of moves, as soon as they are committed.
pub const CHANNEL: &str = "order_moved";

/// An order as it was found; its row is locked until the transaction ends.
#[derive(Clone, Debug)]
pub struct Found {
    /// The order.
    pub id: OrderId,
    /// Whose order it is.
    pub user_id: UserId,
    /// The state that it is in.
    pub status: OrderStatus,
    /// The version of that state.
    pub version: i32,
    /// When it was placed.
    pub created_at: OffsetDateTime,
    /// The place in a trace of the request that has made it.
    pub trace_parent: Option<String>,
}

/// A move to make.
#[derive(Clone, Debug)]
pub struct Move {
    /// The order as it was found.
    pub order: Found,
    /// The state that it moves to.
    pub to: OrderStatus,
    /// When it moves on from there.
    pub due_at: Option<OffsetDateTime>,
}

/// A move that was made.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    /// The order.
    pub id: OrderId,
    /// The version that it has now.
    pub version: i32,
    /// When it moved, by the database's clock; later than the move before, even if that clock was set back.
    pub at: OffsetDateTime,
}

/// Takes up to `limit` orders whose time has come, the longest overdue first, and leaves those that another replica has taken.
#[query]
pub async fn take_due(db: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Found>> {
    sqlx::query_as!(
        Found,
        r#"SELECT id AS "id: OrderId", user_id AS "user_id: UserId", status AS "status: OrderStatus", version, created_at,
                  trace_parent
           FROM orders WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED"#,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The order, once nobody else is moving it.
#[query]
pub async fn lock(db: &mut PgConnection, id: OrderId) -> sqlx::Result<Option<Found>> {
    sqlx::query_as!(
        Found,
        r#"SELECT id AS "id: OrderId", user_id AS "user_id: UserId", status AS "status: OrderStatus", version, created_at,
                  trace_parent
           FROM orders WHERE id = $1 FOR UPDATE"#,
        id.as_uuid(),
    )
    .fetch_optional(db)
    .await
}

/// Tells every replica of the moves, once this transaction is committed.
#[query]
pub async fn announce(db: &mut PgConnection, moved: &[Moved]) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = moved.iter().map(|step| step.id.as_uuid()).collect();
    sqlx::query!("SELECT pg_notify($1, id::text) FROM UNNEST($2::uuid[]) AS moved (id)", CHANNEL, &ids)
        .execute(db)
        .await?;
    Ok(())
}

/// A move as those see it who follow the order.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The version that it led to.
    pub version: i32,
    /// The state that it led to.
    pub status: OrderStatus,
    /// When.
    pub at: OffsetDateTime,
}

/// The moves of an order after the one that led to this version, oldest first.
#[query]
pub async fn since(db: impl PgExecutor<'_>, id: OrderId, version: i32) -> sqlx::Result<Vec<Step>> {
    sqlx::query_as!(
        Step,
        r#"SELECT version, to_status AS "status: OrderStatus", at FROM order_history
           WHERE order_id = $1 AND version > $2 ORDER BY version"#,
        id.as_uuid(),
        version,
    )
    .fetch_all(db)
    .await
}

/// Makes the moves and writes them into the history. An order that is no longer in the state and version that the move starts
/// from is left alone and not among those returned.
#[query]
pub async fn make(db: &mut PgConnection, moves: &[Move]) -> sqlx::Result<Vec<Moved>> {
    let ids: Vec<Uuid> = moves.iter().map(|step| step.order.id.as_uuid()).collect();
    let from: Vec<String> = moves.iter().map(|step| step.order.status.to_string()).collect();
    let versions: Vec<i32> = moves.iter().map(|step| step.order.version).collect();
    let to: Vec<String> = moves.iter().map(|step| step.to.to_string()).collect();
    let due: Vec<Option<OffsetDateTime>> = moves.iter().map(|step| step.due_at).collect();
    sqlx::query_as!(
        Moved,
        r#"WITH step AS (
               SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::timestamptz[])
                   AS step (id, from_status, version, to_status, due_at)
           ), moved AS (
               UPDATE orders SET status = step.to_status, version = orders.version + 1, due_at = step.due_at,
                                 updated_at = greatest(clock_timestamp(), orders.updated_at + interval '1 microsecond')
               FROM step
               WHERE orders.id = step.id AND orders.status = step.from_status AND orders.version = step.version
               RETURNING orders.id, orders.version, step.from_status, step.to_status, orders.updated_at
           )
           INSERT INTO order_history (order_id, version, from_status, to_status, at)
           SELECT id, version, from_status, to_status, updated_at FROM moved
           RETURNING order_id AS "id: OrderId", version, at"#,
        &ids,
        &from,
        &versions,
        &to,
        &due as &[Option<OffsetDateTime>],
    )
    .fetch_all(db)
    .await
}
