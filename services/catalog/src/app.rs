//! The catalog put together: what the handlers share, and the process around them.

use std::time::Duration;

use axum::extract::FromRef;
use prometheus::Registry;
use shop_auth::AuthState;
use shop_runtime::db::{self, DbConfig, DbConfigError};
use shop_runtime::health::Health;
use shop_runtime::layers::{self, Limits};
use shop_runtime::metrics::{self, DbMetrics, HttpMetrics};
use shop_runtime::ops;
use shop_runtime::redis::Redis;
use shop_runtime::serve::{self, ServiceApp};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::assortment::Assortment;
use crate::config::ServeArgs;
use crate::metrics::CatalogMetrics;
use crate::reads::Reads;
use crate::reservations::Reservations;
use crate::{NAME, expiry, routes};

/// What the handlers share.
#[derive(Clone)]
pub struct AppState {
    pub(crate) reads: Reads,
    pub(crate) assortment: Assortment,
    pub(crate) reservations: Reservations,
    pub(crate) metrics: CatalogMetrics,
    auth: AuthState,
}

impl AppState {
    /// The catalog of this database.
    pub fn new(
        pool: &PgPool,
        auth: AuthState,
        reservation_lifetime: Duration,
        registry: &Registry,
    ) -> Result<Self, prometheus::Error> {
        let metrics = CatalogMetrics::register(registry)?;
        Ok(Self {
            reads: Reads::new(pool.clone()),
            assortment: Assortment::new(pool.clone()),
            reservations: Reservations::new(pool.clone(), reservation_lifetime, metrics.clone()),
            metrics,
            auth,
        })
    }

    /// The reservations, for the task that ends those which are overdue.
    pub const fn reservations(&self) -> &Reservations {
        &self.reservations
    }
}

impl FromRef<AppState> for AuthState {
    fn from_ref(state: &AppState) -> Self {
        state.auth.clone()
    }
}

/// A pool whose connections plan each statement once. By default PostgreSQL plans a page anew for every request, since it takes a
/// small LIMIT for much cheaper than one that it does not know yet; all of our plans are the same whatever the parameters.
pub fn connect(config: &DbConfig) -> Result<PgPool, DbConfigError> {
    let pool = db::connect(config)?;
    pool.set_connect_options(config.connect_options()?.options([("plan_cache_mode", "force_generic_plan")]));
    Ok(pool)
}

/// Serves until SIGTERM.
pub async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let ServeArgs { common, listen_addr, reservation_lifetime, reservation_sweep_every } = args;
    let stop = serve::shutdown_on_signal()?;
    let pool = connect(&common.db(NAME, NAME))?;
    let registry = metrics::registry();
    let auth = AuthState::load(&common.auth_public_keys_dir, &common.service_token_file)?;
    let state = AppState::new(&pool, auth, reservation_lifetime, &registry)?;
    let http_metrics = HttpMetrics::register(&registry, NAME)?;
    let db_metrics = DbMetrics::register(&registry)?;
    let redis = Redis::new(common.redis_url.as_ref())?;

    // The probes go on while requests drain: a database that comes back meanwhile should be seen.
    let probes_stop = CancellationToken::new();
    let health = Health::watch(pool.clone(), redis, Some(db_metrics), probes_stop.clone());
    let tasks = TaskTracker::new();
    tasks.spawn(expiry::run(state.reservations().clone(), reservation_sweep_every, stop.clone()));
    let app = ServiceApp {
        name: NAME,
        router: layers::wrap(routes::router(state), http_metrics, Limits::default()),
        ops: ops::router(health.clone(), registry),
        health,
        listen: listen_addr,
        ops_listen: common.ops_addr,
        grace: common.shutdown_grace,
        tasks,
    };
    serve::run(app, stop).await?;
    probes_stop.cancel();
    pool.close().await;
    Ok(())
}
