//! The task that gives back what was reserved and then forgotten. Every replica runs it.

use std::time::Duration;

use shop_runtime::job::{self, Round};
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
