//! Invalidations that wait, beside what the crate shop-outbox does with them.

use shop_runtime::query;
use shop_types::EventId;
use sqlx::PgExecutor;

/// Forgets what was carried out already.
#[query]
pub async fn forget(db: impl PgExecutor<'_>, events: &[EventId]) -> sqlx::Result<()> {
    let events: Vec<_> = events.iter().map(|event| event.as_uuid()).collect();
    sqlx::query!("DELETE FROM outbox WHERE event_id = ANY($1)", &events).execute(db).await?;
    Ok(())
}
