//! The receiver's side: what was received already.

use std::collections::HashSet;

use shop_runtime::query;
use shop_types::EventId;
use sqlx::PgConnection;

/// Notes the event in the receiver's transaction; false if it was noted before, so that there is nothing to do. A twin that arrives at the
/// same time waits until this transaction has ended.
#[query]
pub async fn first_time(connection: &mut PgConnection, event: EventId) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query("INSERT INTO inbox (event_id) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(event)
        .execute(connection)
        .await?;
    Ok(noted.rows_affected() == 1)
}

/// Notes several events; those that were not noted before, of which alone there is something to do.
#[query]
pub async fn first_times(connection: &mut PgConnection, events: &[EventId]) -> Result<HashSet<EventId>, sqlx::Error> {
    let events: Vec<_> = events.iter().map(|event| event.as_uuid()).collect();
    // Sorted, so that two who note the same events wait for each other in one order.
    let noted: Vec<EventId> = sqlx::query_scalar(
        "INSERT INTO inbox (event_id) SELECT event_id FROM UNNEST($1::uuid[]) AS event (event_id) ORDER BY event_id
         ON CONFLICT DO NOTHING RETURNING event_id",
    )
    .bind(events)
    .fetch_all(connection)
    .await?;
    Ok(noted.into_iter().collect())
}

/// Forgets events that are older than any relay's patience; returns how many.
#[query]
pub async fn forget_older_than(connection: &mut PgConnection, days: i32) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query("DELETE FROM inbox WHERE received_at < now() - make_interval(days => $1)")
        .bind(days)
        .execute(connection)
        .await?;
    Ok(forgotten.rows_affected())
}
