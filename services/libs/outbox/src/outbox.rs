//! The sender's side: events beside the change that they tell of.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use shop_runtime::span::{Fault, Kind, Span};
use shop_runtime::{query, trace};
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

impl Fault for OutboxError {
    fn kind(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Store(error) => error.kind(),
            Self::Payload(_) => Some("payload".into()),
        }
    }
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
    /// When it was taken for this delivery, by the same clock.
    pub taken_at: OffsetDateTime,
    /// How many deliveries were tried, this one included.
    pub attempts: i32,
    /// The trace of the request that it comes from, as [`trace::written`].
    pub trace_parent: Option<String>,
}

impl Event {
    /// How long ago it happened.
    pub fn age(&self) -> Duration {
        // Negative if the clock was put back.
        Duration::try_from(self.taken_at - self.created_at).unwrap_or_default()
    }
}

/// How much waits, and for how long.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub(crate) struct Backlog {
    /// The age of the oldest event that is still tried, in seconds; zero if there is none.
    pub(crate) lag_seconds: f64,
    /// How many events are not tried any more.
    pub(crate) dead: i64,
}

/// An event that is not in an outbox yet.
#[derive(Clone, Debug)]
pub struct NewEvent {
    id: EventId,
    topic: &'static str,
    payload: serde_json::Value,
    /// The trace that it belongs to, if that is not the one of who enqueues it.
    trace: Option<String>,
}

impl NewEvent {
    /// This has happened.
    pub fn new(topic: &'static str, payload: &impl Serialize) -> Result<Self, OutboxError> {
        let payload = serde_json::to_value(payload).map_err(OutboxError::Payload)?;
        Ok(Self { id: EventId::generate(), topic, payload, trace: None })
    }

    /// It tells of something that was begun elsewhere: its delivery will belong to the trace of that, as [`trace::written`].
    #[must_use]
    pub fn in_trace(self, trace: Option<String>) -> Self {
        Self { trace, ..self }
    }
}

/// Adds an event to the transaction of the change that it tells of. Its delivery will belong to the trace of the request that makes it.
pub async fn enqueue(
    connection: &mut PgConnection,
    topic: &'static str,
    payload: &impl Serialize,
) -> Result<EventId, OutboxError> {
    let event = NewEvent::new(topic, payload)?;
    let id = event.id;
    enqueue_all(connection, vec![event]).await?;
    Ok(id)
}

/// Adds several events in one statement.
pub async fn enqueue_all(connection: &mut PgConnection, events: Vec<NewEvent>) -> Result<(), OutboxError> {
    if events.is_empty() {
        return Ok(());
    }
    let span = Span::begin(Kind::Producer, "outbox.enqueue").described(|open| {
        open.set("messaging.operation.name", "enqueue");
        open.set("messaging.destination.name", events[0].topic);
        open.set("messaging.batch.message_count", i64::try_from(events.len()).unwrap_or(i64::MAX));
    });
    span.run(insert(connection, events)).await
}

#[query]
async fn insert(connection: &mut PgConnection, events: Vec<NewEvent>) -> Result<(), OutboxError> {
    let here = trace::written();
    let (mut ids, mut topics, mut payloads, mut traces) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for event in events {
        ids.push(event.id.as_uuid());
        topics.push(event.topic);
        payloads.push(event.payload);
        traces.push(event.trace.or_else(|| here.clone()));
    }
    sqlx::query(
        "INSERT INTO outbox (event_id, topic, payload, trace_parent)
         SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::jsonb[], $4::text[])",
    )
    .bind(ids)
    .bind(topics)
    .bind(payloads)
    .bind(traces)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes due events, oldest first, for as long as `lease_ms`: until then no other relay takes them.
#[query]
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
      RETURNING event_id, topic, payload, created_at, clock_timestamp() AS taken_at, attempts, trace_parent",
    )
    .bind(batch)
    .bind(lease_ms)
    .fetch_all(connection)
    .await
}

/// The events have arrived.
#[query]
pub(crate) async fn remove(connection: &mut PgConnection, events: &[EventId]) -> Result<(), sqlx::Error> {
    let events: Vec<_> = events.iter().map(|event| event.as_uuid()).collect();
    sqlx::query("DELETE FROM outbox WHERE event_id = ANY($1)").bind(events).execute(connection).await?;
    Ok(())
}

/// What becomes of an event that has not arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed<'a> {
    /// The event.
    pub(crate) event: EventId,
    /// The attempt that failed. If another relay has taken the event since, it is that one's to say what becomes of it.
    pub(crate) attempt: i32,
    /// Whether it counts as a failure of the event, or only says that its receiver is away.
    pub(crate) counts: bool,
    /// How many failures that count end in giving it up.
    pub(crate) patience: i32,
    /// Until the next attempt, if there is one.
    pub(crate) pause_ms: f64,
    /// What went wrong.
    pub(crate) reason: &'a str,
}

/// Sets the time of the next attempt, or gives the event up; true if it is given up.
///
/// What is given up is due at the end of all time, so that relays which know nothing of dead letters leave it alone too.
#[query]
pub(crate) async fn postpone(connection: &mut PgConnection, failed: Failed<'_>) -> Result<bool, sqlx::Error> {
    let dead: Option<bool> = sqlx::query_scalar(
        "UPDATE outbox
            SET failures = failures + $3::int,
                dead_at = CASE WHEN failures + $3::int >= $4 THEN now() END,
                next_attempt_at = CASE WHEN failures + $3::int >= $4 THEN 'infinity'
                                       ELSE now() + make_interval(secs => $5 / 1000.0) END,
                last_error = left($6, 500)
          WHERE event_id = $1 AND attempts = $2 AND dead_at IS NULL
      RETURNING dead_at IS NOT NULL",
    )
    .bind(failed.event)
    .bind(failed.attempt)
    .bind(i32::from(failed.counts))
    .bind(failed.patience)
    .bind(failed.pause_ms)
    .bind(failed.reason)
    .fetch_optional(connection)
    .await?;
    Ok(dead.unwrap_or(false))
}

/// How much waits. An event that was given up and is tried again counts from then on.
#[query]
pub(crate) async fn backlog(connection: &mut PgConnection) -> Result<Backlog, sqlx::Error> {
    sqlx::query_as(
        "SELECT (SELECT coalesce(greatest(extract(epoch FROM now() - min(coalesce(replayed_at, created_at))), 0), 0)::float8
                   FROM outbox WHERE dead_at IS NULL) AS lag_seconds,
                (SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL) AS dead",
    )
    .fetch_one(connection)
    .await
}
