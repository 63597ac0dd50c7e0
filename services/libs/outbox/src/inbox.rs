//! The receiver's side: what was received already.

use shop_types::EventId;
use sqlx::PgConnection;

/// Notes the event in the receiver's transaction; false if it was noted before, so that there is nothing to do. A twin that arrives at the
/// same time waits until this transaction has ended.
pub async fn first_time(connection: &mut PgConnection, event: EventId) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query("INSERT INTO inbox (event_id) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(event)
        .execute(connection)
        .await?;
    Ok(noted.rows_affected() == 1)
}

/// Forgets events that are older than any relay's patience; returns how many.
pub async fn forget_older_than(connection: &mut PgConnection, days: i32) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query("DELETE FROM inbox WHERE received_at < now() - make_interval(days => $1)")
        .bind(days)
        .execute(connection)
        .await?;
    Ok(forgotten.rows_affected())
}
