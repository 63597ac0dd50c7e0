//! Checkouts as rows. Every change asks for the state that it starts from, so two who drive one checkout cannot both move it.

use std::time::Duration;

use shop_runtime::query;
use shop_types::{OrderId, OrderLine, UserId};
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor};

use super::interval;
use crate::domain::cart::{Contents, Item};
use crate::domain::checkout::{Answer, Checkout, State};
use crate::domain::expectation::Expectation;
use crate::domain::idempotency::{Fingerprint, IdempotencyKey};
use crate::domain::merge::LeftOut;

/// A checkout found by its key.
#[derive(Clone, Debug)]
pub struct Known {
    /// The checkout.
    pub checkout: Checkout,
    /// Whether it was asked for with the same request.
    pub same_request: bool,
}

/// The checkout that the user began under this key.
#[query]
pub async fn find(
    db: impl PgExecutor<'_>,
    user: UserId,
    key: &IdempotencyKey,
    fingerprint: Fingerprint,
) -> sqlx::Result<Option<Known>> {
    let row = sqlx::query!(
        r#"SELECT order_id AS "order_id: OrderId", user_id AS "user_id: UserId", cart_version, lines AS "lines: Json<Vec<Item>>",
                  expected AS "expected: Json<Expectation>", extract(epoch FROM now() - created_at)::float8 AS "age!",
                  state AS "state: State", priced AS "priced: Json<Vec<OrderLine>>", answer_status, answer_body, attempts,
                  fingerprint = $3 AS "same_request!"
           FROM checkouts WHERE user_id = $1 AND idempotency_key = $2"#,
        user.as_uuid(),
        key.as_str(),
        &fingerprint.as_bytes()[..],
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let same_request = row.same_request;
        let row = CheckoutRow {
            order_id: row.order_id,
            user_id: row.user_id,
            cart_version: row.cart_version,
            lines: row.lines,
            expected: row.expected,
            age: row.age,
            state: row.state,
            priced: row.priced,
            answer_status: row.answer_status,
            answer_body: row.answer_body,
            attempts: row.attempts,
        };
        Ok(Known { checkout: row.try_into()?, same_request })
    })
    .transpose()
}

/// Whether the user began a checkout under this key.
#[query]
pub async fn exists(db: impl PgExecutor<'_>, user: UserId, key: &IdempotencyKey) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM checkouts WHERE user_id = $1 AND idempotency_key = $2) AS "exists!""#,
        user.as_uuid(),
        key.as_str(),
    )
    .fetch_one(db)
    .await
}

/// The checkout of this order.
#[query]
pub async fn get(db: impl PgExecutor<'_>, order: OrderId) -> sqlx::Result<Option<Checkout>> {
    let row = sqlx::query_as!(
        CheckoutRow,
        r#"SELECT order_id AS "order_id: OrderId", user_id AS "user_id: UserId", cart_version, lines AS "lines: Json<Vec<Item>>",
                  expected AS "expected: Json<Expectation>", extract(epoch FROM now() - created_at)::float8 AS "age!",
                  state AS "state: State", priced AS "priced: Json<Vec<OrderLine>>", answer_status, answer_body, attempts
           FROM checkouts WHERE order_id = $1"#,
        order.as_uuid(),
    )
    .fetch_optional(db)
    .await?;
    row.map(Checkout::try_from).transpose()
}

/// The request that begins a checkout.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who orders.
    pub user: UserId,
    /// The key that a retry comes with too.
    pub key: &'a IdempotencyKey,
    /// What is asked for.
    pub fingerprint: Fingerprint,
    /// The place in a trace that whoever goes on with the checkout goes on from.
    pub trace: Option<&'a str>,
}

/// Begins a checkout of what the cart holds; it belongs to the caller for as long as `lease`.
#[query]
pub async fn begin(
    db: &mut PgConnection,
    request: Request<'_>,
    contents: &Contents,
    expectation: Expectation,
    lease: Duration,
) -> sqlx::Result<Checkout> {
    let Request { user, key, fingerprint, trace } = request;
    let (order_id, items) = (OrderId::generate(), contents.items());
    sqlx::query!(
        "INSERT INTO checkouts (order_id, user_id, idempotency_key, fingerprint, cart_version, lines, resume_at, expected,
                                trace_parent)
         VALUES ($1, $2, $3, $4, $5, $6, now() + $7, $8, $9)",
        order_id.as_uuid(),
        user.as_uuid(),
        key.as_str(),
        &fingerprint.as_bytes()[..],
        contents.version,
        Json(&items) as _,
        interval(lease),
        (!expectation.is_none()).then_some(Json(&expectation)) as _,
        trace,
    )
    .execute(db)
    .await?;
    Ok(Checkout {
        order_id,
        user_id: user,
        cart_version: contents.version,
        items,
        expectation,
        state: State::Reserving,
        priced: None,
        answer: None,
        attempts: 0,
        age: Duration::ZERO,
    })
}

/// Moves the checkout to its next state, with what was learned on the way; false if it is no longer in the state `from`.
#[query]
pub async fn move_on(db: impl PgExecutor<'_>, from: State, next: &Checkout, lease: Duration) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        "UPDATE checkouts SET state = $3, priced = $4, answer_status = $5, answer_body = $6, attempts = 0, last_error = NULL,
                              resume_at = now() + $7, updated_at = now()
         WHERE order_id = $1 AND state = $2",
        next.order_id.as_uuid(),
        from.as_str(),
        next.state.as_str(),
        next.priced.as_ref().map(Json) as _,
        next.answer.as_ref().map(|answer| i16::try_from(answer.status).unwrap_or(500)),
        next.answer.as_ref().map(|answer| answer.body.as_slice()),
        interval(lease),
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() > 0)
}

/// How a checkout that ends by [`finish`] was met.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Whether it has ended now. If not, another driver was faster, and only the cart's version has grown.
    pub ended: bool,
    /// What its cart holds now.
    pub left: Contents,
}

/// Ends the checkout of a cart that has not changed since: what was ordered is all that is in it, so it is empty afterwards. None if the cart has
/// another version by now, or the checkout is no longer in the state `from`.
///
/// The cart's row comes first, as for everyone who changes it, so nobody waits in a circle. Who has waited for it sees that its version is another
/// one; so nothing is taken out of it that this statement did not see when it began.
#[query]
pub async fn finish(
    db: &mut PgConnection,
    from: State,
    done: &Checkout,
    lease: Duration,
) -> sqlx::Result<Option<Finished>> {
    let row = sqlx::query!(
        r#"WITH cart AS (
               UPDATE carts SET version = version + 1, updated_at = now()
               WHERE user_id = $2 AND version = $3 AND EXISTS (SELECT FROM checkouts WHERE order_id = $1 AND state = $4)
               RETURNING version, left_out
           ),
           ended AS (
               UPDATE checkouts SET state = $5, answer_status = $6, answer_body = $7, attempts = 0, last_error = NULL,
                                    resume_at = now() + $8, updated_at = now()
               FROM cart WHERE order_id = $1 AND state = $4
               RETURNING order_id
           ),
           emptied AS (DELETE FROM cart_lines USING ended WHERE cart_lines.user_id = $2)
           SELECT version, left_out AS "left_out: Json<Vec<LeftOut>>", EXISTS (SELECT FROM ended) AS "ended!" FROM cart"#,
        done.order_id.as_uuid(),
        done.user_id.as_uuid(),
        done.cart_version,
        from.as_str(),
        done.state.as_str(),
        done.answer.as_ref().map(|answer| i16::try_from(answer.status).unwrap_or(500)),
        done.answer.as_ref().map(|answer| answer.body.as_slice()),
        interval(lease),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let left = Contents { version: row.version, lines: Vec::new(), left_out: row.left_out.0 };
        Finished { ended: row.ended, left }
    }))
}

/// Notes that a step had no outcome, and when to try it again.
#[query]
pub async fn postpone(db: impl PgExecutor<'_>, checkout: &Checkout, error: &str, delay: Duration) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE checkouts SET attempts = attempts + 1, last_error = $3, resume_at = now() + $4, updated_at = now()
         WHERE order_id = $1 AND state = $2",
        checkout.order_id.as_uuid(),
        checkout.state.as_str(),
        error,
        interval(delay),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A checkout that nobody works on, and the place in a trace that it was begun at.
#[derive(Clone, Debug)]
pub struct Abandoned {
    /// The checkout.
    pub checkout: Checkout,
    /// The place.
    pub trace_parent: Option<String>,
}

/// Takes up to `limit` checkouts that nobody works on, the longest waiting first; they belong to the caller for as long as `lease`.
#[query]
pub async fn take_abandoned(db: impl PgExecutor<'_>, limit: i64, lease: Duration) -> sqlx::Result<Vec<Abandoned>> {
    let rows = sqlx::query!(
        r#"UPDATE checkouts SET resume_at = now() + $2
           WHERE order_id IN (
               SELECT order_id FROM checkouts WHERE resume_at < now() AND state NOT IN ('DONE', 'REFUSED')
               ORDER BY resume_at LIMIT $1 FOR UPDATE SKIP LOCKED
           )
           RETURNING order_id AS "order_id: OrderId", user_id AS "user_id: UserId", cart_version,
                     lines AS "lines: Json<Vec<Item>>", expected AS "expected: Json<Expectation>",
                     extract(epoch FROM now() - created_at)::float8 AS "age!", state AS "state: State", priced AS "priced: Json<Vec<OrderLine>>",
                     answer_status, answer_body, attempts, trace_parent"#,
        limit,
        interval(lease),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let trace_parent = row.trace_parent;
            let row = CheckoutRow {
                order_id: row.order_id,
                user_id: row.user_id,
                cart_version: row.cart_version,
                lines: row.lines,
                expected: row.expected,
                age: row.age,
                state: row.state,
                priced: row.priced,
                answer_status: row.answer_status,
                answer_body: row.answer_body,
                attempts: row.attempts,
            };
            Ok(Abandoned { checkout: row.try_into()?, trace_parent })
        })
        .collect()
}

/// How many checkouts are on their way, and the age of the oldest in seconds.
#[query]
pub async fn backlog(db: impl PgExecutor<'_>) -> sqlx::Result<(i64, f64)> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "open!", COALESCE(extract(epoch FROM now() - min(created_at))::float8, 0) AS "oldest!"
           FROM checkouts WHERE state NOT IN ('DONE', 'REFUSED')"#,
    )
    .fetch_one(db)
    .await?;
    Ok((row.open, row.oldest))
}

/// Forgets up to `limit` checkouts that ended longer ago than that; how many there were.
#[query]
pub async fn forget(db: impl PgExecutor<'_>, older_than: Duration, limit: i64) -> sqlx::Result<u64> {
    let result = sqlx::query!(
        "DELETE FROM checkouts WHERE order_id IN (
             SELECT order_id FROM checkouts WHERE state IN ('DONE', 'REFUSED') AND updated_at < now() - $1::interval
             ORDER BY updated_at LIMIT $2 FOR UPDATE SKIP LOCKED
         )",
        interval(older_than),
        limit,
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}

struct CheckoutRow {
    order_id: OrderId,
    user_id: UserId,
    cart_version: i64,
    lines: Json<Vec<Item>>,
    expected: Option<Json<Expectation>>,
    age: f64,
    state: State,
    priced: Option<Json<Vec<OrderLine>>>,
    answer_status: Option<i16>,
    answer_body: Option<Vec<u8>>,
    attempts: i32,
}

impl TryFrom<CheckoutRow> for Checkout {
    type Error = sqlx::Error;

    fn try_from(row: CheckoutRow) -> Result<Self, sqlx::Error> {
        let answer = match (row.answer_status, row.answer_body) {
            (Some(status), Some(body)) => {
                let status = u16::try_from(status).map_err(|error| sqlx::Error::Decode(error.into()))?;
                Some(Answer { status, body })
            }
            _ => None,
        };
        Ok(Self {
            order_id: row.order_id,
            user_id: row.user_id,
            cart_version: row.cart_version,
            items: row.lines.0,
            expectation: row.expected.map(|Json(expected)| expected).unwrap_or_default(),
            state: row.state,
            priced: row.priced.map(|Json(lines)| lines),
            answer,
            attempts: row.attempts,
            age: Duration::try_from_secs_f64(row.age).unwrap_or_default(),
        })
    }
}
