//! What everyone hears of, numbered.

use serde_json::Value;
use sqlx::PgExecutor;

use crate::domain::event::{Event, NewEvent};

/// The channel on which PostgreSQL tells that there is a new event. Only its number is told: a notice can't be long.
pub const CHANNEL: &str = "catalog_shop_events";

/// Keeps everyone else from adding events until the transaction ends, and lets its next statement see all that were added.
pub async fn hold(db: impl PgExecutor<'_>) -> sqlx::Result<()> {
    sqlx::query!("SELECT FROM shop_event_counter FOR NO KEY UPDATE").execute(db).await?;
    Ok(())
}

/// Adds an event to the transaction of the change that it tells of. From here to the end of the transaction nobody else can add one,
/// so this is the last thing that a transaction does.
pub async fn append(db: impl PgExecutor<'_>, event: &NewEvent) -> sqlx::Result<()> {
    let payload = serde_json::json!({"sale": event.sale});
    sqlx::query!(
        "WITH number AS (UPDATE shop_event_counter SET last = last + 1 RETURNING last),
              added AS (INSERT INTO shop_events (seq, kind, payload) SELECT last, $1, $2 FROM number RETURNING seq)
         SELECT pg_notify($3, seq::text) FROM added",
        event.kind.as_str(),
        payload,
        CHANNEL,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The number of the last event; zero if there was none.
pub async fn last(db: impl PgExecutor<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!("SELECT last FROM shop_event_counter").fetch_one(db).await
}

/// The number of the oldest event that is kept.
pub async fn oldest(db: impl PgExecutor<'_>) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("SELECT min(seq) FROM shop_events").fetch_one(db).await
}

/// Events behind this number, in order.
pub async fn since(db: impl PgExecutor<'_>, seq: i64, at_most: i64) -> sqlx::Result<Vec<Event>> {
    let rows = sqlx::query!(
        "SELECT seq, kind, payload, at FROM shop_events WHERE seq > $1 ORDER BY seq LIMIT $2",
        seq,
        at_most
    )
    .fetch_all(db)
    .await?;
    let events = rows.into_iter();
    Ok(events.map(|row| Event { seq: row.seq, kind: row.kind, at: row.at, payload: fields(row.payload) }).collect())
}

/// What an event has to say, beside its number, kind and time.
pub(super) fn fields(payload: Value) -> serde_json::Map<String, Value> {
    match payload {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    }
}

/// Forgets all events but the newest so many, and those that are older than a day.
pub async fn forget(db: impl PgExecutor<'_>, keep: i64) -> sqlx::Result<u64> {
    let forgotten = sqlx::query!(
        "DELETE FROM shop_events
         WHERE seq <= (SELECT last FROM shop_event_counter) - $1::bigint OR at < now() - interval '24 hours'",
        keep,
    )
    .execute(db)
    .await?;
    Ok(forgotten.rows_affected())
}
