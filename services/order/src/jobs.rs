//! Work in the background. Every replica does all of it; the database sees to it that each thing is done once.

pub mod relay;

use std::time::Duration;

use shop_runtime::job::{self, Round};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::orders::Orders;

/// How many orders one transaction moves.
const CLOCK_BATCH: i64 = 50;

/// How many orders one statement deletes.
const DELETE_BATCH: u64 = 200;

/// Moves orders whose time has come, until `stop`. After an outage it goes on without rest until it has caught up.
pub async fn clock(orders: Orders, every: Duration, stop: CancellationToken) {
    job::repeat("clock", every, stop, || async {
        let found = orders.tick(CLOCK_BATCH).await?;
        Ok::<_, Error>(if found > 0 { Round::More } else { Round::Rest })
    })
    .await;
}

/// Deletes orders that were finished longer ago than `delete_after`, until `stop`.
pub async fn delete_old(orders: Orders, delete_after: Duration, every: Duration, stop: CancellationToken) {
    job::repeat("delete-old-orders", every, stop, || async {
        let deleted = orders.delete_finished(delete_after, DELETE_BATCH.cast_signed()).await?;
        Ok::<_, Error>(if deleted == DELETE_BATCH { Round::More } else { Round::Rest })
    })
    .await;
}
