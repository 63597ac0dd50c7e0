//! Whether the service can work now. A task looks after its dependencies, so that a probe costs nothing and never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use serde::Serialize;
use sqlx::{ConnectOptions as _, PgConnection, PgPool};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics::DbMetrics;
use crate::redis::Redis;

const PROBE_EVERY: Duration = Duration::from_secs(1);
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The state of something that the service depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Dependency {
    /// Not looked at yet.
    Unknown,
    /// Answers.
    Up,
    /// Does not answer.
    Down,
    /// Not configured.
    Absent,
}

impl Dependency {
    const fn of(up: bool) -> Self {
        if up { Self::Up } else { Self::Down }
    }

    const fn from_u8(state: u8) -> Self {
        match state {
            1 => Self::Up,
            2 => Self::Down,
            3 => Self::Absent,
            _ => Self::Unknown,
        }
    }
}

/// What the readiness probe answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether requests should be sent here.
    pub ready: bool,
    /// Whether the service is stopping.
    pub draining: bool,
    /// Without it nothing can be answered.
    pub database: Dependency,
    /// Without it answers are slower, so it does not count.
    pub redis: Dependency,
}

/// The health of a service, as last seen.
#[derive(Clone, Debug)]
pub struct Health(Arc<State>);

#[derive(Debug)]
struct State {
    draining: AtomicBool,
    database: AtomicU8,
    redis: AtomicU8,
}

impl Health {
    /// Starts to look after the dependencies, once a second until `stop`.
    pub fn watch(pool: PgPool, redis: Redis, metrics: Option<DbMetrics>, stop: CancellationToken) -> Self {
        let health = Self(Arc::new(State {
            draining: AtomicBool::new(false),
            database: AtomicU8::new(Dependency::Unknown as u8),
            redis: AtomicU8::new(Dependency::Unknown as u8),
        }));
        let watched = health.clone();
        tokio::spawn(async move {
            let probes = watched.probe_for_ever(&pool, &redis, metrics.as_ref());
            stop.run_until_cancelled(probes).await;
        });
        health
    }

    async fn probe_for_ever(&self, pool: &PgPool, redis: &Redis, metrics: Option<&DbMetrics>) {
        let mut ticks = tokio::time::interval(PROBE_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut connection = None;
        loop {
            ticks.tick().await;
            let (database, redis) = tokio::join!(probe_database(pool, &mut connection, metrics), probe_redis(redis));
            let before = Dependency::from_u8(self.0.database.swap(database as u8, Ordering::Relaxed));
            if before != database {
                tracing::info!(?database, ?before, "the database's state changed");
            }
            self.0.redis.store(redis as u8, Ordering::Relaxed);
        }
    }

    /// Says from now on that no new requests should come.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// The state as last seen.
    pub fn readiness(&self) -> Readiness {
        let draining = self.0.draining.load(Ordering::Relaxed);
        let database = Dependency::from_u8(self.0.database.load(Ordering::Relaxed));
        let redis = Dependency::from_u8(self.0.redis.load(Ordering::Relaxed));
        Readiness { ready: !draining && database == Dependency::Up, draining, database, redis }
    }
}

/// Asks over a connection of its own: a pool whose connections are all busy is a database that works, and taking the pod away would only
/// move the load.
async fn probe_database(
    pool: &PgPool,
    connection: &mut Option<PgConnection>,
    metrics: Option<&DbMetrics>,
) -> Dependency {
    let started = Instant::now();
    let answer = tokio::time::timeout(PROBE_TIMEOUT, ask(pool, connection.take())).await;
    if let Some(metrics) = metrics {
        metrics.pool(pool);
        metrics.probed(started.elapsed());
    }
    match answer {
        Ok(Ok(asked)) => {
            *connection = Some(asked);
            Dependency::Up
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "the database's probe failed");
            Dependency::Down
        }
        Err(_elapsed) => Dependency::Down,
    }
}

/// The connection, if it still answers, or a new one that does.
async fn ask(pool: &PgPool, connection: Option<PgConnection>) -> Result<PgConnection, sqlx::Error> {
    let mut connection = match connection {
        Some(connection) => connection,
        None => pool.connect_options().connect().await?,
    };
    sqlx::query("SELECT 1").execute(&mut connection).await?;
    Ok(connection)
}

async fn probe_redis(redis: &Redis) -> Dependency {
    if redis.is_configured() { Dependency::of(redis.ping().await) } else { Dependency::Absent }
}
