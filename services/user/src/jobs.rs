//! Background work.

use std::time::Duration;

use shop_auth::Revocations;
use shop_runtime::job::{self, Round};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::store;

/// Events are remembered far longer than a relay tries to deliver them.
const INBOX_DAYS: i32 = 30;

const HOUR: Duration = Duration::from_secs(3600);

/// Keeps the inbox from growing for ever.
pub(crate) async fn forget_old_events(pool: PgPool, stop: CancellationToken) {
    job::repeat("forget old events", HOUR, stop, || async {
        let mut connection = pool.acquire().await?;
        shop_outbox::inbox::forget_older_than(&mut connection, INBOX_DAYS).await?;
        Ok::<_, sqlx::Error>(Round::Rest)
    })
    .await;
}

/// Forgets sessions and revocations that nobody needs any more.
pub(crate) async fn forget_sessions(pool: PgPool, stop: CancellationToken) {
    job::repeat("forget sessions", HOUR, stop, || async {
        let mut connection = pool.acquire().await?;
        store::revocations::forget(&mut connection).await?;
        let forgotten = store::sessions::forget(&mut connection).await?;
        Ok::<_, sqlx::Error>(if forgotten > 0 { Round::More } else { Round::Rest })
    })
    .await;
}

/// Learns of the sessions that other replicas of this service have ended.
pub(crate) fn follow_revocations(
    pool: PgPool,
    revocations: Revocations,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send {
    let page = move |since| {
        let pool = pool.clone();
        async move { store::revocations::since(&mut *pool.acquire().await?, since).await }
    };
    revocations.follow_by(page, stop)
}
