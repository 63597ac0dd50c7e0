//! What the clock reads and writes: orders whose time has come, and their moves.

use shop_types::{OrderId, OrderStatus, UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// An order whose time to move has come; its row is locked until the transaction ends.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// The order.
    pub id: OrderId,
    /// Whose order it is.
    pub user_id: UserId,
    /// The state that it leaves.
    pub status: OrderStatus,
    /// The version of that state.
    pub version: i32,
    /// When it was placed.
    pub created_at: OffsetDateTime,
}

/// A move to make.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// The order as it was found.
    pub order: Due,
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
    /// When it moved, by the database's clock.
    pub at: OffsetDateTime,
}

/// Takes up to `limit` orders whose time has come, the longest overdue first, and leaves those that another replica has taken.
pub async fn take_due(db: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"SELECT id AS "id: OrderId", user_id AS "user_id: UserId", status AS "status: OrderStatus", version, created_at
           FROM orders WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED"#,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Makes the moves and writes them into the history. An order that is no longer in the state and version that the move starts
/// from is left alone and not among those returned.
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
                                 updated_at = clock_timestamp()
               FROM step
               WHERE orders.id = step.id AND orders.status = step.from_status AND orders.version = step.version
               RETURNING orders.id, orders.version, step.from_status, step.to_status, orders.updated_at
           )
           INSERT INTO order_history (order_id, version, from_status, to_status, at)
           SELECT id, version, from_status, to_status, updated_at FROM moved
           RETURNING order_id AS "id: OrderId", at"#,
        &ids,
        &from,
        &versions,
        &to,
        &due as &[Option<OffsetDateTime>],
    )
    .fetch_all(db)
    .await
}
