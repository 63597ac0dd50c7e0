//! Hears of moves from PostgreSQL, on a connection of its own.

use std::time::Duration;

use shop_runtime::Context;
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio_util::sync::CancellationToken;

use super::Places;
use crate::store::moves::CHANNEL;

/// The pause after the connection was lost.
const PAUSE: Duration = Duration::from_millis(500);

/// How long one connection is listened to: one that a firewall has forgotten is silent for ever.
const CONNECTION: Duration = Duration::from_secs(60);

/// Listens until `stop`, over whatever breaks. What is missed meanwhile the streams find at their next heartbeat.
pub(super) async fn listen(db: PgPool, places: Places, stop: CancellationToken) {
    stop.run_until_cancelled(async {
        loop {
            let connection = async {
                let heard = listen_once(&db, &places).await;
                heard.inspect_err(|error| tracing::warn!(%error, "the moves of orders can't be heard"))
            };
            match tokio::time::timeout(CONNECTION, Context::unasked().scope(connection)).await {
                Ok(_lost) => tokio::time::sleep(PAUSE).await,
                Err(_its_time_is_over) => {}
            }
        }
    })
    .await;
}

/// Listens until the connection is lost.
async fn listen_once(db: &PgPool, places: &Places) -> Result<(), sqlx::Error> {
    // Not one of the pool's: it would be missing there, and its age would be its end.
    let options = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
    let own = options.acquire_timeout(PAUSE * 10).connect_lazy_with(db.connect_options().as_ref().clone());
    let mut notices = PgListener::connect_with(&own).await?;
    notices.listen(CHANNEL).await?;
    // Whatever moved before, nobody was listening.
    places.wake_all();
    while let Some(notice) = notices.try_recv().await? {
        match notice.payload().parse() {
            Ok(order) => places.wake(order),
            Err(_) => places.wake_all(),
        }
    }
    Ok(())
}
