//! Additions to carts that named themselves by a key, with their answers.

use std::time::Duration;

use shop_runtime::query;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor};

use super::interval;
use crate::domain::cart::ChangedLine;
use crate::domain::idempotency::{Fingerprint, IdempotencyKey};
use crate::domain::owner::CartOwner;

/// An addition found by its key.
#[derive(Clone, Debug)]
pub struct Known {
    /// What was answered.
    pub answer: ChangedLine,
    /// Whether it was asked for with the same request.
    pub same_request: bool,
}

/// The addition that was made to the cart under this key.
#[query]
pub async fn find(
    db: impl PgExecutor<'_>,
    owner: CartOwner,
    key: &IdempotencyKey,
    fingerprint: Fingerprint,
) -> sqlx::Result<Option<Known>> {
    let row = sqlx::query!(
        r#"SELECT answer AS "answer: Json<ChangedLine>", fingerprint = $3 AS "same_request!"
           FROM cart_additions WHERE user_id = $1 AND idempotency_key = $2"#,
        owner.as_uuid(),
        key.as_str(),
        &fingerprint.as_bytes()[..],
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Known { answer: row.answer.0, same_request: row.same_request }))
}

/// Keeps the answer of an addition, in its transaction.
#[query]
pub async fn keep(
    db: &mut PgConnection,
    owner: CartOwner,
    key: &IdempotencyKey,
    fingerprint: Fingerprint,
    answer: &ChangedLine,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO cart_additions (user_id, idempotency_key, fingerprint, answer) VALUES ($1, $2, $3, $4)",
        owner.as_uuid(),
        key.as_str(),
        &fingerprint.as_bytes()[..],
        Json(answer) as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets up to `limit` additions that were made longer ago than that; how many there were.
#[query]
pub async fn forget(db: impl PgExecutor<'_>, older_than: Duration, limit: i64) -> sqlx::Result<u64> {
    let result = sqlx::query!(
        "DELETE FROM cart_additions WHERE (user_id, idempotency_key) IN (
             SELECT user_id, idempotency_key FROM cart_additions WHERE created_at < now() - $1::interval
             ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
         )",
        interval(older_than),
        limit,
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}
