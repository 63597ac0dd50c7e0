//! Work in the background: finishing checkouts that nobody drives, forgetting what ended long ago, deleting carts that nobody uses.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use shop_runtime::job::{self, Round};
use shop_runtime::span::{self, Kind};
use shop_runtime::trace;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::carts::Carts;
use crate::checkout::Driver;
use crate::domain::checkout::Answer;
use crate::error::Error;
use crate::metrics::CartMetrics;
use crate::store::carts::Kept;
use crate::store::checkouts::Abandoned;
use crate::store::{additions, checkouts};

/// How many checkouts one sweeper drives at a time.
const BATCH: u16 = 16;

/// How many things are forgotten or deleted at a time.
const CLEAN_BATCH: i64 = 500;

/// How often somebody looks for what is to be forgotten or deleted.
const CLEAN_EVERY: Duration = Duration::from_secs(60);

/// Finishes checkouts whose driver died or that have rested, until `stop`.
pub async fn sweep(db: PgPool, driver: Arc<Driver>, metrics: CartMetrics, every: Duration, stop: CancellationToken) {
    job::repeat("sweeper", every, stop, || sweep_once(&db, &driver, &metrics)).await;
}

/// One round of the sweeper.
pub async fn sweep_once(db: &PgPool, driver: &Driver, metrics: &CartMetrics) -> Result<Round, Error> {
    let abandoned = checkouts::take_abandoned(db, BATCH.into(), driver.timing().lease).await?;
    let taken = abandoned.len();
    // A checkout that stalls again is noted and logged by the driver.
    join_all(abandoned.into_iter().map(|abandoned| resume(driver, abandoned))).await;
    let (open, oldest) = checkouts::backlog(db).await?;
    metrics.backlog(open, oldest);
    Ok(if taken == usize::from(BATCH) { Round::More } else { Round::Rest })
}

/// Goes on with a checkout, in the trace of the request that has begun it.
async fn resume(driver: &Driver, Abandoned { checkout, trace_parent }: Abandoned) -> Result<Answer, Error> {
    let place = trace_parent.as_deref().and_then(trace::read);
    let (context, span) = span::follow(place.as_ref(), Kind::Internal, "checkout.resume");
    context.scope(span.run(driver.advance(checkout))).await
}

/// Forgets checkouts and additions that ended longer than `kept` ago, and with them their keys, until `stop`.
pub async fn forget(db: PgPool, kept: Duration, stop: CancellationToken) {
    job::repeat("forget", CLEAN_EVERY, stop, || async {
        let ended = checkouts::forget(&db, kept, CLEAN_BATCH).await?;
        let added = additions::forget(&db, kept, CLEAN_BATCH).await?;
        Ok::<_, sqlx::Error>(more_if(ended.max(added)))
    })
    .await;
}

/// Deletes carts that nobody has changed for too long, until `stop`.
pub async fn expire(carts: Carts, kept: Kept, stop: CancellationToken) {
    job::repeat("expire-carts", CLEAN_EVERY, stop, || async { carts.expire(kept, CLEAN_BATCH).await.map(more_if) })
        .await;
}

const fn more_if(cleaned: u64) -> Round {
    if cleaned >= CLEAN_BATCH.unsigned_abs() { Round::More } else { Round::Rest }
}
