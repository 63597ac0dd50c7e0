//! The catalog put together: what the handlers share, and the process around them.

use std::time::Duration;

use axum::extract::FromRef;
use prometheus::Registry;
use secrecy::SecretString;
use shop_auth::AuthState;
use shop_cache::{Caches, LivePolicies};
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

/// What the catalog is made of.
#[derive(Debug)]
pub struct Parts {
    /// The catalog's database.
    pub db: PgPool,
    /// Redis, or its absence.
    pub redis: Redis,
    /// Where Redis is, for the connection on which invalidations arrive.
    pub redis_url: Option<SecretString>,
    /// How the caches behave.
    pub policies: LivePolicies,
    /// What the shop is called among those that share the Redis.
    pub shop: String,
    /// Whether anyone may do what does no harm in a demo.
    pub demo: bool,
    /// Who may ask.
    pub auth: AuthState,
    /// How long stock is kept for an order that is neither committed nor released.
    pub reservation_lifetime: Duration,
    /// How often to look for reservations that were forgotten.
    pub reservation_sweep_every: Duration,
}

/// What the handlers share.
#[derive(Clone)]
pub struct AppState {
    pub(crate) reads: Reads,
    pub(crate) assortment: Assortment,
    pub(crate) reservations: Reservations,
    pub(crate) metrics: CatalogMetrics,
    auth: AuthState,
    caches: Caches,
    reservation_sweep_every: Duration,
}

impl AppState {
    /// Puts the parts together.
    pub fn new(parts: Parts, registry: &Registry) -> Result<Self, prometheus::Error> {
        let Parts { db, redis, redis_url, policies, shop, demo: _, auth, .. } = parts;
        let Parts { reservation_lifetime, reservation_sweep_every, .. } = parts;
        let metrics = CatalogMetrics::register(registry)?;
        let caches = Caches::new(&shop, NAME, redis, redis_url.as_ref(), policies, registry)?;
        Ok(Self {
            reads: Reads::new(db.clone()),
            assortment: Assortment::new(db.clone()),
            reservations: Reservations::new(db, reservation_lifetime, metrics.clone()),
            metrics,
            auth,
            caches,
            reservation_sweep_every,
        })
    }

    /// Starts the background work, until `stop`.
    pub fn start_jobs(&self, tasks: &TaskTracker, stop: &CancellationToken) {
        tasks.spawn(self.caches.clone().run(stop.clone()));
        tasks.spawn(expiry::run(self.reservations.clone(), self.reservation_sweep_every, stop.clone()));
    }

    /// The caches.
    pub const fn caches(&self) -> &Caches {
        &self.caches
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
    let redis = Redis::new(common.redis_url.as_ref())?;
    let parts = Parts {
        db: pool.clone(),
        redis: redis.clone(),
        redis_url: common.redis_url.clone(),
        policies: LivePolicies::watch(common.cache_policy_dir.clone()),
        shop: common.shop_name.clone(),
        demo: common.demo,
        auth,
        reservation_lifetime,
        reservation_sweep_every,
    };
    let state = AppState::new(parts, &registry)?;
    let http_metrics = HttpMetrics::register(&registry, NAME)?;
    let db_metrics = DbMetrics::register(&registry)?;

    // The probes go on while requests drain: a database that comes back meanwhile should be seen.
    let probes_stop = CancellationToken::new();
    let health = Health::watch(pool.clone(), redis, Some(db_metrics), probes_stop.clone());
    let tasks = TaskTracker::new();
    state.start_jobs(&tasks, &stop);
    let ops = ops::router(health.clone(), registry).merge(shop_cache::ops::router(state.caches()));
    let app = ServiceApp {
        name: NAME,
        router: layers::wrap(routes::router(state), http_metrics, Limits::default()),
        ops,
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
