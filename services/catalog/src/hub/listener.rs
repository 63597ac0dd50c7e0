//! Hears of events from PostgreSQL, on a connection of its own.

use std::time::Duration;

use shop_runtime::Context;
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Hub;
use crate::flash_sales::FlashSales;
use crate::metrics::CatalogMetrics;
use crate::store::events;

/// How often to look for events that no notice has come of.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The pause after a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// How many events are read at a time: fewer than a socket may lag behind.
const BATCH: i64 = 100;

/// How long sockets may take to take a batch before the next one.
const PATIENCE: Duration = Duration::from_millis(200);

/// Listens until `stop`, over whatever breaks.
pub async fn listen(hub: Hub, db: PgPool, sales: FlashSales, metrics: CatalogMetrics, stop: CancellationToken) {
    let listener = Listener { hub, db, sales, metrics };
    stop.run_until_cancelled(async {
        loop {
            let connection = async {
                let heard = listener.listen().await;
                heard.inspect_err(|error| tracing::warn!(%error, "the shop's events can't be heard"))
            };
            let _ = Context::unasked().scope(connection).await;
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
}

struct Listener {
    hub: Hub,
    db: PgPool,
    sales: FlashSales,
    metrics: CatalogMetrics,
}

impl Listener {
    /// Listens until the connection is lost.
    async fn listen(&self) -> Result<(), sqlx::Error> {
        // Not one of the pool's: it would be missing there, and its age would be its end.
        let options = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let own = options.acquire_timeout(LOOK_EVERY).connect_lazy_with(self.db.connect_options().as_ref().clone());
        let mut notices = PgListener::connect_with(&own).await?;
        notices.listen(events::CHANNEL).await?;
        self.begin().await?;
        self.catch_up().await?;
        loop {
            match timeout(LOOK_EVERY, notices.try_recv()).await {
                Ok(Ok(Some(_notice))) => {
                    self.catch_up().await?;
                }
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(error),
                Err(_quiet) => {
                    if self.catch_up().await? > 0 {
                        tracing::warn!("events came without a notice; listening on another connection");
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Goes on from where it was, unless this is the beginning, or what came meanwhile is not known any more.
    async fn begin(&self) -> Result<(), sqlx::Error> {
        let place = events::place(&self.db).await?;
        // A number that is higher than the last is one of another database.
        let goes_on = |seen| seen <= place.last && seen >= place.forgotten.max(place.own_forgotten);
        if !self.hub.last().is_some_and(goes_on) {
            let (place, kept) = events::kept(&self.db).await?;
            self.hub.begin(place.forgotten, place.last, &kept);
        }
        Ok(())
    }

    /// Reads the events that this replica has not heard of, and tells how many there were.
    async fn catch_up(&self) -> Result<usize, sqlx::Error> {
        let mut heard = 0;
        while let Some(last) = self.hub.last() {
            let news = events::since(&self.db, last, BATCH).await?;
            heard += news.len();
            // Before the sockets: who hears of a sale and asks for it must see it.
            if news.iter().any(|event| event.kind.starts_with("flash_sale")) {
                self.sales.heard().await;
            }
            for event in &news {
                self.hub.publish(event);
                self.metrics.event_heard(&event.kind);
            }
            self.let_sockets_take_it().await;
            // What is added after this was read has a notice of its own.
            if i64::try_from(news.len()).is_ok_and(|read| read < BATCH) {
                break;
            }
        }
        Ok(heard)
    }

    /// Many events at once are no reason to give up sockets that do take what they are sent.
    async fn let_sockets_take_it(&self) {
        let taken = async {
            while !self.hub.is_taken() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let _ = timeout(PATIENCE, taken).await;
    }
}
