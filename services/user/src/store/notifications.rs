//! Notices in the database.

use shop_types::{EventId, OrderId, UserId};
use sqlx::PgConnection;

use crate::domain::Notification;

/// Keeps a notice for a user.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    user: UserId,
    notification: &Notification,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO notifications (id, user_id, kind, order_id, status, occurred_at) VALUES ($1, $2, $3, $4, $5, $6)",
        notification.id as EventId,
        user as UserId,
        notification.kind,
        notification.order_id as OrderId,
        notification.status,
        notification.occurred_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A user's notices, newest first, from before `before` on.
pub(crate) async fn of_user(
    connection: &mut PgConnection,
    user: UserId,
    before: Option<EventId>,
    limit: i64,
) -> Result<Vec<Notification>, sqlx::Error> {
    sqlx::query_as!(
        Notification,
        r#"SELECT id AS "id: EventId", kind, order_id AS "order_id: OrderId", status, occurred_at
             FROM notifications
            WHERE user_id = $1 AND ($2::uuid IS NULL OR id < $2)
            ORDER BY id DESC
            LIMIT $3"#,
        user as UserId,
        before as Option<EventId>,
        limit,
    )
    .fetch_all(connection)
    .await
}
