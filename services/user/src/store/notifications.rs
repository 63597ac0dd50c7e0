//! Notices in the database.

use shop_runtime::query;
use shop_types::{EventId, OrderId, UserId};
use sqlx::{PgConnection, PgExecutor};

use crate::domain::{Notification, NotificationPosition};

/// Keeps notices for users, each once: in one statement, the events are noted in the inbox, and what was not there before is kept. A twin that
/// comes at the same time waits until this is committed.
#[query]
pub(crate) async fn receive(db: impl PgExecutor<'_>, notices: Vec<(UserId, Notification)>) -> Result<(), sqlx::Error> {
    let (mut ids, mut users, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    let (mut orders, mut statuses, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for (user, notice) in notices {
        ids.push(notice.id.as_uuid());
        users.push(user.as_uuid());
        kinds.push(notice.kind);
        orders.push(notice.order_id.as_uuid());
        statuses.push(notice.status);
        times.push(notice.occurred_at);
    }
    sqlx::query!(
        "WITH told AS (
             SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::timestamptz[])
                 AS told (id, user_id, kind, order_id, status, occurred_at)
         ),
         fresh AS (INSERT INTO inbox (event_id) SELECT id FROM told ORDER BY id ON CONFLICT DO NOTHING RETURNING event_id)
         INSERT INTO notifications (id, user_id, kind, order_id, status, occurred_at)
         SELECT id, user_id, kind, order_id, status, occurred_at FROM told JOIN fresh ON fresh.event_id = told.id",
        &ids,
        &users,
        &kinds,
        &orders,
        &statuses,
        &times,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A user's notices, newest first, from before `before` on; all of them, or only those that are unread. What is newer is told by when it
/// happened: the ids come from several processes, whose clocks differ.
#[query]
pub(crate) async fn of_user(
    connection: &mut PgConnection,
    user: UserId,
    unread_only: bool,
    before: Option<NotificationPosition>,
    limit: i64,
) -> Result<Vec<Notification>, sqlx::Error> {
    sqlx::query_as!(
        Notification,
        r#"SELECT id AS "id: EventId", kind, order_id AS "order_id: OrderId", status, occurred_at,
                  read_at IS NOT NULL AS "read!"
             FROM notifications
            WHERE user_id = $1
              AND ($2::timestamptz IS NULL OR (occurred_at, id) < ($2, $3))
              AND (NOT $4 OR read_at IS NULL)
            ORDER BY occurred_at DESC, id DESC
            LIMIT $5"#,
        user as UserId,
        before.map(|before| before.occurred_at),
        before.map(|before| before.id) as Option<EventId>,
        unread_only,
        limit,
    )
    .fetch_all(connection)
    .await
}

/// Notes that a user has read a notice; false if it is not one of the user's.
#[query]
pub(crate) async fn mark_read(connection: &mut PgConnection, user: UserId, id: EventId) -> Result<bool, sqlx::Error> {
    let read = sqlx::query!(
        "UPDATE notifications SET read_at = coalesce(read_at, now()) WHERE id = $1 AND user_id = $2",
        id as EventId,
        user as UserId,
    )
    .execute(connection)
    .await?;
    Ok(read.rows_affected() == 1)
}

/// How many notices a user has not read, counted up to `most`.
#[query]
pub(crate) async fn count_unread(connection: &mut PgConnection, user: UserId, most: i64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM
               (SELECT FROM notifications WHERE user_id = $1 AND read_at IS NULL LIMIT $2) AS unread"#,
        user as UserId,
        most,
    )
    .fetch_one(connection)
    .await
}
