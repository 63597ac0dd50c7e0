//! Tells of products that have changed.
//!
//! A change is noted in its own transaction ([`store::product_changes`]), so that it is told whatever becomes of the process that made it.
//! Here the notes are taken, as many as there are of a product, and become one event with the value of that moment. Who tells holds the
//! counter of the events meanwhile: what has a higher number was read later, so the last event of a product is the true one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use shop_runtime::job::{self, Round};
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::domain::product_event::events;
use crate::error::Error;
use crate::store;

/// The least time between two looks of a replica.
const REST: Duration = Duration::from_millis(250);

/// How often to look for changes of which this process has not heard: those of a replica that ended in between.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Of how many products one transaction tells. What is left waits, and what happens to it meanwhile is told with it.
const BATCH: i64 = 200;

/// Changes of products that are to be told.
#[derive(Clone, Debug)]
pub struct ProductEvents {
    db: PgPool,
    woken: Arc<Notify>,
}

impl ProductEvents {
    /// The changes that are noted in this database.
    pub fn new(db: PgPool) -> Self {
        Self { db, woken: Arc::default() }
    }

    /// Called after a transaction that has noted a change.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    /// Tells of what has changed, if anything has.
    pub async fn tell(&self) -> Result<Round, Error> {
        if !store::product_changes::any(&self.db).await? {
            return Ok(Round::Rest);
        }
        let mut transaction = self.db.begin().await?;
        store::events::hold(&mut *transaction).await?;
        let changes = store::product_changes::take(&mut *transaction, BATCH).await?;
        let ids: Vec<_> = changes.iter().map(|(product, _)| product.get()).collect();
        let products = store::products::by_ids(&mut *transaction, &ids).await?;
        let sold = products.into_iter().map(|product| (product.id, product)).collect::<BTreeMap<_, _>>();
        store::events::append_latest(&mut *transaction, &events(&changes, &sold)).await?;
        transaction.commit().await?;
        Ok(Round::Rest)
    }

    /// Does so until `stop`: at once after a change, but not more often than four times a second.
    pub async fn watch(self, stop: CancellationToken) {
        job::repeat("product events", REST, stop.clone(), || async {
            tokio::select! {
                () = stop.cancelled() => return Ok(Round::Rest),
                () = self.woken.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let round = self.tell().await?;
            // More than one transaction tells of, most likely.
            if store::product_changes::any(&self.db).await? {
                self.wake();
            }
            Ok::<_, Error>(round)
        })
        .await;
    }
}
