//! The tasks that give back what was reserved and then forgotten, and that forget what is long over. Every replica runs them.

use std::time::Duration;

use shop_runtime::job::{self, Round};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::reservations::Reservations;

/// How many reservations one transaction releases: few enough that nobody waits long for the products.
const BATCH: u16 = 50;

/// Looks for overdue reservations until `stop`: at once again while there are many, else after a pause.
pub async fn run(reservations: Reservations, every: Duration, stop: CancellationToken) {
    job::repeat("expiry", every, stop, || async {
        let released = reservations.expire(BATCH).await?;
        Ok::<_, crate::error::Error>(if released == usize::from(BATCH) { Round::More } else { Round::Rest })
    })
    .await;
}

/// How often to look for orders that are long over.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// Forgets orders that are long over until `stop`.
pub async fn forget(reservations: Reservations, stop: CancellationToken) {
    job::repeat("forget-reservations", FORGET_EVERY, stop, || reservations.forget(OffsetDateTime::now_utc())).await;
}
