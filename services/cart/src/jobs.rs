//! Work in the background: finishing checkouts that nobody drives, and forgetting those that ended long ago.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use shop_runtime::job::{self, Round};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::checkout::Driver;
use crate::error::Error;
use crate::metrics::CartMetrics;
use crate::store::checkouts;

/// How many checkouts one sweeper drives at a time.
const BATCH: u16 = 16;

/// How many ended checkouts are forgotten at a time.
const FORGET_BATCH: i64 = 500;

/// How often a sweeper looks for ended checkouts to forget.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Finishes checkouts whose driver died or that have rested, until `stop`.
pub async fn sweep(db: PgPool, driver: Arc<Driver>, metrics: CartMetrics, every: Duration, stop: CancellationToken) {
    job::repeat("sweeper", every, stop, || sweep_once(&db, &driver, &metrics)).await;
}

/// One round of the sweeper.
pub async fn sweep_once(db: &PgPool, driver: &Driver, metrics: &CartMetrics) -> Result<Round, Error> {
    let abandoned = checkouts::take_abandoned(db, BATCH.into(), driver.timing().lease).await?;
    let taken = abandoned.len();
    // A checkout that stalls again is noted and logged by the driver.
    join_all(abandoned.into_iter().map(|checkout| driver.advance(checkout))).await;
    let (open, oldest) = checkouts::backlog(db).await?;
    metrics.backlog(open, oldest);
    Ok(if taken == usize::from(BATCH) { Round::More } else { Round::Rest })
}

/// Forgets checkouts, and with them their keys, that ended longer than `kept` ago, until `stop`.
pub async fn forget(db: PgPool, kept: Duration, stop: CancellationToken) {
    job::repeat("forget-checkouts", FORGET_EVERY, stop, || async {
        let forgotten = checkouts::forget(&db, kept, FORGET_BATCH).await?;
        Ok::<_, sqlx::Error>(if forgotten == FORGET_BATCH.unsigned_abs() { Round::More } else { Round::Rest })
    })
    .await;
}
