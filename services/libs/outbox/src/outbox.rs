//! The sender's side: events beside the change that they tell of.

use serde::Serialize;
use shop_types::EventId;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// An event could not be put into the outbox.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// It can't be written as JSON.
    #[error("the event can't be written as JSON")]
    Payload(#[source] serde_json::Error),
    /// The database refused or is away.
    #[error("can't store the event")]
    Store(#[from] sqlx::Error),
}

impl From<OutboxError> for shop_runtime::Problem {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::Store(error) => error.into(),
            OutboxError::Payload(_) => Self::internal(error),
        }
    }
}

/// An event on its way.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Event {
    /// The event's identity; the receiver acts once for each.
    pub event_id: EventId,
    /// What kind of event, and so who gets it.
    pub topic: String,
    /// What happened.
    pub payload: serde_json::Value,
    /// When it happened.
    pub created_at: OffsetDateTime,
    /// How many deliveries were tried, this one included.
    pub attempts: i32,
}

/// Adds an event to the transaction of the change that it tells of.
pub async fn enqueue(
    connection: &mut PgConnection,
    topic: &str,
    payload: &impl Serialize,
) -> Result<EventId, OutboxError> {
    let event = EventId::generate();
    let payload = serde_json::to_value(payload).map_err(OutboxError::Payload)?;
    sqlx::query("INSERT INTO outbox (event_id, topic, payload) VALUES ($1, $2, $3)")
        .bind(event)
        .bind(topic)
        .bind(payload)
        .execute(connection)
        .await?;
    Ok(event)
}

/// Takes due events, oldest first, for as long as `lease_ms`: until then no other relay takes them.
pub(crate) async fn claim(connection: &mut PgConnection, batch: i64, lease_ms: f64) -> Result<Vec<Event>, sqlx::Error> {
    sqlx::query_as(
        "UPDATE outbox
            SET attempts = attempts + 1,
                next_attempt_at = now() + make_interval(secs => $2 / 1000.0)
          WHERE event_id IN (
                SELECT event_id FROM outbox
                 WHERE next_attempt_at <= now()
                 ORDER BY next_attempt_at, event_id
                 LIMIT $1
                   FOR UPDATE SKIP LOCKED)
      RETURNING event_id, topic, payload, created_at, attempts",
    )
    .bind(batch)
    .bind(lease_ms)
    .fetch_all(connection)
    .await
}

/// The event has arrived.
pub(crate) async fn remove(connection: &mut PgConnection, event: EventId) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM outbox WHERE event_id = $1").bind(event).execute(connection).await?;
    Ok(())
}

/// The event has not arrived; it is tried again after `pause_ms`.
pub(crate) async fn postpone(
    connection: &mut PgConnection,
    event: EventId,
    pause_ms: f64,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE outbox SET next_attempt_at = now() + make_interval(secs => $2 / 1000.0), last_error = left($3, 500)
          WHERE event_id = $1",
    )
    .bind(event)
    .bind(pause_ms)
    .bind(reason)
    .execute(connection)
    .await?;
    Ok(())
}

/// The age of the oldest event, in seconds; zero if none waits.
pub(crate) async fn lag_seconds(connection: &mut PgConnection) -> Result<f64, sqlx::Error> {
    sqlx::query_scalar("SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM outbox")
        .fetch_one(connection)
        .await
}
