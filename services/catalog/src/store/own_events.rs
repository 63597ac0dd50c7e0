//! What only one customer hears of, numbered with everything else.

use shop_runtime::query;
use shop_types::UserId;
use sqlx::PgExecutor;

use super::events::{CHANNEL, fields};
use crate::domain::event::{Audience, Event, ORDER_STATUS, OrderNews};

/// Adds what has become of orders to the transaction, in this order, unless something later has been told of an order. The counter is held
/// already, so that this statement sees all that was told.
#[query]
pub async fn append(db: impl PgExecutor<'_>, news: &[OrderNews]) -> sqlx::Result<()> {
    let users: Vec<_> = news.iter().map(|news| news.user_id.as_uuid()).collect();
    let orders: Vec<_> = news.iter().map(|news| news.order_id.as_uuid()).collect();
    let versions: Vec<_> = news.iter().map(|news| news.version).collect();
    let payloads: Vec<_> = news.iter().map(payload).collect();
    sqlx::query!(
        "WITH told AS (
             SELECT user_id, order_id, version, payload, row_number() OVER (ORDER BY place) AS place
             FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::jsonb[])
                 WITH ORDINALITY AS told (user_id, order_id, version, payload, place)
             WHERE NOT EXISTS (
                 SELECT FROM own_events o
                 WHERE o.user_id = told.user_id AND o.order_id = told.order_id AND o.order_version > told.version)
         ),
         number AS (
             UPDATE shop_event_counter SET last = last + (SELECT count(*) FROM told)
             WHERE EXISTS (SELECT FROM told)
             RETURNING last - (SELECT count(*) FROM told) AS former
         ),
         added AS (
             INSERT INTO own_events (seq, user_id, order_id, order_version, kind, payload)
             SELECT former + place, user_id, order_id, version, $5, payload FROM number, told RETURNING seq
         )
         SELECT pg_notify($6, max(seq)::text) FROM added HAVING count(*) > 0",
        &users,
        &orders,
        &versions as &[Option<i64>],
        &payloads,
        ORDER_STATUS,
        CHANNEL,
    )
    .execute(db)
    .await?;
    Ok(())
}

fn payload(news: &OrderNews) -> serde_json::Value {
    serde_json::json!({
        "order_id": news.order_id, "status": news.status, "version": news.version,
        "occurred_at": news.occurred_at.format(&time::format_description::well_known::Rfc3339).ok(),
    })
}

/// A customer's own events behind this number and up to another, in order; the newest, if there are more than so many.
#[query]
pub async fn between(
    db: impl PgExecutor<'_>,
    user: UserId,
    after: i64,
    up_to: i64,
    at_most: i64,
) -> sqlx::Result<Vec<Event>> {
    let rows = sqlx::query!(
        "SELECT seq, kind, payload, at FROM own_events
         WHERE user_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq DESC LIMIT $4",
        user.as_uuid(),
        after,
        up_to,
        at_most,
    )
    .fetch_all(db)
    .await?;
    let audience = Audience::User(user);
    let events = rows.into_iter().rev();
    Ok(events
        .map(|row| Event { seq: row.seq, kind: row.kind, at: row.at, audience, payload: fields(row.payload) })
        .collect())
}

/// Forgets customers' own events that are older than a day, and all but so many numbers; at most so many at a time. Returns how many.
/// The counter is held already.
#[query]
pub async fn forget(db: impl PgExecutor<'_>, keep: i64, at_most: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"WITH old AS (
               SELECT seq FROM (SELECT seq, at FROM own_events ORDER BY seq LIMIT $2) first
               WHERE at < now() - interval '24 hours' OR seq <= (SELECT last FROM shop_event_counter) - $1::bigint
           ),
           gone AS (DELETE FROM own_events o USING old WHERE o.seq = old.seq RETURNING o.seq),
           noted AS (
               UPDATE shop_event_counter SET own_forgotten = greatest(own_forgotten, (SELECT max(seq) FROM gone))
               WHERE EXISTS (SELECT FROM gone)
           )
           SELECT count(*) AS "count!" FROM gone"#,
        keep,
        at_most,
    )
    .fetch_one(db)
    .await
}
