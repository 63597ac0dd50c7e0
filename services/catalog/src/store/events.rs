//! What everyone hears of, numbered.

use serde_json::Value;
use shop_runtime::query;
use shop_types::UserId;
use sqlx::PgExecutor;

use crate::domain::event::{Audience, Event, NewEvent};
use crate::domain::product_event::ProductEvent;

/// The channel on which PostgreSQL tells that there is a new event. Only its number is told: a notice can't be long.
pub const CHANNEL: &str = "catalog_shop_events";

/// Keeps everyone else from adding events until the transaction ends, and lets its next statement see all that were added.
#[query]
pub async fn hold(db: impl PgExecutor<'_>) -> sqlx::Result<()> {
    sqlx::query!("SELECT FROM shop_event_counter FOR NO KEY UPDATE").execute(db).await?;
    Ok(())
}

/// Adds an event to the transaction of the change that it tells of. From here to the end of the transaction nobody else can add one,
/// so this is the last thing that a transaction does.
#[query]
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

/// Adds events that replace the former ones of their kind and product. The counter is held already.
#[query]
pub async fn append_latest(db: impl PgExecutor<'_>, events: &[ProductEvent]) -> sqlx::Result<()> {
    let kinds: Vec<_> = events.iter().map(|event| event.aspect.kind()).collect();
    let products: Vec<_> = events.iter().map(|event| event.product.get()).collect();
    let payloads: Vec<_> = events.iter().map(|event| event.payload.clone()).collect();
    sqlx::query!(
        "WITH number AS (
             UPDATE shop_event_counter SET last = last + cardinality($1::text[]) WHERE cardinality($1::text[]) > 0
             RETURNING last - cardinality($1::text[]) AS former
         ),
         added AS (
             INSERT INTO shop_events (seq, kind, product_id, payload)
             SELECT former + place, kind, product_id, payload
             FROM number, UNNEST($1::text[], $2::bigint[], $3::jsonb[]) WITH ORDINALITY AS told (kind, product_id, payload, place)
             ON CONFLICT (product_id, kind) WHERE product_id IS NOT NULL
             DO UPDATE SET seq = excluded.seq, payload = excluded.payload, at = now()
             RETURNING seq
         )
         SELECT pg_notify($4, max(seq)::text) FROM added HAVING count(*) > 0",
        &kinds as &[&str],
        &products,
        &payloads,
        CHANNEL,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Where the events are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the last one; zero if there was none.
    pub last: i64,
    /// Whoever has seen up to here has missed nothing of everyone's that is not kept.
    pub forgotten: i64,
    /// The same for what only one customer hears of.
    pub own_forgotten: i64,
}

/// Where the events are now.
#[query]
pub async fn place(db: impl PgExecutor<'_>) -> sqlx::Result<Place> {
    sqlx::query_as!(Place, "SELECT last, forgotten, own_forgotten FROM shop_event_counter").fetch_one(db).await
}

/// Everyone's events that are kept, in order, and where they are, as of one moment.
#[query]
pub async fn kept(db: impl PgExecutor<'_>) -> sqlx::Result<(Place, Vec<Event>)> {
    let rows = sqlx::query!(
        r#"SELECT last, forgotten, own_forgotten, seq AS "seq?", kind AS "kind?", payload AS "payload?", at AS "at?", product_id
           FROM shop_event_counter LEFT JOIN shop_events ON seq > forgotten ORDER BY seq"#
    )
    .fetch_all(db)
    .await?;
    let place =
        rows.first().map(|row| Place { last: row.last, forgotten: row.forgotten, own_forgotten: row.own_forgotten });
    let event = |seq, kind, payload, at, product| {
        Some(Event { seq: seq?, kind: kind?, at: at?, audience: everyone(product), payload: fields(payload?) })
    };
    let events = rows.into_iter().filter_map(|row| event(row.seq, row.kind, row.payload, row.at, row.product_id));
    Ok((place.ok_or(sqlx::Error::RowNotFound)?, events.collect()))
}

/// Events behind this number, everyone's and customers' own, in order.
#[query]
pub async fn since(db: impl PgExecutor<'_>, seq: i64, at_most: i64) -> sqlx::Result<Vec<Event>> {
    let rows = sqlx::query!(
        r#"(SELECT seq AS "seq!", kind AS "kind!", payload AS "payload!", at AS "at!", product_id, NULL::uuid AS "user_id: UserId"
            FROM shop_events WHERE seq > $1 ORDER BY seq LIMIT $2)
           UNION ALL
           (SELECT seq, kind, payload, at, NULL, user_id FROM own_events WHERE seq > $1 ORDER BY seq LIMIT $2)
           ORDER BY 1 LIMIT $2"#,
        seq,
        at_most
    )
    .fetch_all(db)
    .await?;
    let events = rows.into_iter().map(|row| {
        let audience = row.user_id.map_or_else(|| everyone(row.product_id), Audience::User);
        Event { seq: row.seq, kind: row.kind, at: row.at, audience, payload: fields(row.payload) }
    });
    Ok(events.collect())
}

fn everyone(product: Option<i64>) -> Audience {
    product.map_or(Audience::Everyone, Audience::EveryoneOnce)
}

/// What an event has to say, beside its number, kind and time.
pub(super) fn fields(payload: Value) -> serde_json::Map<String, Value> {
    match payload {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    }
}

/// Forgets everyone's events but the newest so many, and those that are older than a day. The counter is held already.
#[query]
pub async fn forget(db: impl PgExecutor<'_>, keep: i64) -> sqlx::Result<u64> {
    let forgotten = sqlx::query!(
        "WITH gone AS (
             DELETE FROM shop_events
             WHERE seq IN (SELECT seq FROM shop_events ORDER BY seq DESC OFFSET $1) OR at < now() - interval '24 hours'
             RETURNING seq
         )
         UPDATE shop_event_counter SET forgotten = greatest(forgotten, (SELECT max(seq) FROM gone))
         WHERE EXISTS (SELECT FROM gone)",
        keep,
    )
    .execute(db)
    .await?;
    Ok(forgotten.rows_affected())
}
