//! The order service put together: what the handlers share, and the process around them.

use axum::extract::FromRef;
use prometheus::Registry;
use shop_auth::AuthState;
use shop_cache::{Caches, LivePolicies};
use shop_outbox::{DeadLetters, OutboxMetrics, Relay};
use shop_runtime::client::Sibling;
use shop_runtime::health::Health;
use shop_runtime::layers::{self, Limits};
use shop_runtime::metrics::{self, DbMetrics, HttpMetrics, SiblingMetrics};
use shop_runtime::redis::Redis;
use shop_runtime::serve::{self, ServiceApp};
use shop_runtime::{db, ops};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{ServeArgs, Times};
use crate::domain::lifecycle::Lifecycle;
use crate::figures::FiguresDesk;
use crate::jobs;
use crate::jobs::relay::Listeners;
use crate::metrics::OrderMetrics;
use crate::orders::Orders;
use crate::streams::{StreamLimits, Streams};
use crate::{NAME, SCHEMA, routes};

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct AppState {
    pub(crate) orders: Orders,
    pub(crate) streams: Streams,
    pub(crate) figures: FiguresDesk,
    metrics: OrderMetrics,
    pool: PgPool,
    auth: AuthState,
}

impl AppState {
    /// The orders of this database, moved by these times.
    pub fn new(
        pool: &PgPool,
        auth: AuthState,
        lifecycle: Lifecycle,
        registry: &Registry,
    ) -> Result<Self, prometheus::Error> {
        let metrics = OrderMetrics::register(registry)?;
        let orders = Orders::new(pool.clone(), lifecycle, metrics.clone());
        let (limits, active) = (StreamLimits::default(), metrics.streams().clone());
        let streams = Streams::new(orders.clone(), limits, active, auth.clone(), CancellationToken::new());
        Ok(Self { orders, streams, figures: FiguresDesk::new(pool.clone()), metrics, pool: pool.clone(), auth })
    }

    /// With streams of events that are bounded like this and end with `stop`.
    #[must_use]
    pub fn streaming(self, limits: StreamLimits, stop: CancellationToken) -> Self {
        let active = self.metrics.streams().clone();
        let streams = Streams::new(self.orders.clone(), limits, active, self.auth.clone(), stop);
        Self { streams, ..self }
    }

    /// The streams of events, for the task that hears of moves.
    pub const fn streams(&self) -> &Streams {
        &self.streams
    }

    /// The orders, for the background work.
    pub const fn orders(&self) -> &Orders {
        &self.orders
    }
}

impl FromRef<AppState> for DeadLetters {
    fn from_ref(state: &AppState) -> Self {
        Self::new(state.pool.clone())
    }
}

impl FromRef<AppState> for AuthState {
    fn from_ref(state: &AppState) -> Self {
        state.auth.clone()
    }
}

/// Starts the clock, the deletion of old orders and the relay of events, until `stop`.
pub fn start_jobs(
    tasks: &TaskTracker,
    orders: &Orders,
    times: Times,
    relay: Relay,
    listeners: Listeners,
    stop: &CancellationToken,
) {
    tasks.spawn(jobs::clock(orders.clone(), times.clock_every, stop.clone()));
    tasks.spawn(jobs::delete_old(orders.clone(), times.delete_after, times.delete_every(), stop.clone()));
    tasks.spawn(relay.run(listeners, stop.clone()));
}

/// Serves until SIGTERM.
pub async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let ServeArgs { common, listen_addr, user_url, catalog_url, sibling_timeout, times } = args;
    let stop = serve::shutdown_on_signal()?;
    let pool = db::connect(&common.db(NAME, SCHEMA))?;
    let registry = metrics::registry();
    let calls = SiblingMetrics::register(&registry)?;
    let auth = AuthState::load(&common.auth_public_keys_dir, &common.service_token_file)?;
    let revocations = auth.follow_revocations(Some(&user_url), stop.clone())?;
    let token = auth.service_token().secret();
    let listeners = Listeners {
        users: Sibling::new("user", &user_url, token, sibling_timeout)?.measured(&calls),
        catalog: Sibling::new("catalog", &catalog_url, token, sibling_timeout)?.measured(&calls),
    };
    let state = AppState::new(&pool, auth, times.lifecycle()?, &registry)?;
    let state = state.streaming(StreamLimits::default(), stop.clone());
    let http_metrics = HttpMetrics::register(&registry, NAME)?;
    let db_metrics = DbMetrics::register(&registry)?;
    let relay = Relay::new(pool.clone(), OutboxMetrics::register(&registry)?);
    let redis = Redis::new(common.redis_url.as_ref())?;
    // Nothing is cached here, but every pod of the shop says which policies it has, and counts in `podsApplied`.
    let policies = LivePolicies::watch(common.cache_policy_dir.clone());
    let url = common.redis_url.as_ref();
    let caches = Caches::new(&common.shop_name, redis.clone(), url, policies, &registry)?;

    // The probes go on while requests drain: a database that comes back meanwhile should be seen.
    let probes_stop = CancellationToken::new();
    let health = Health::watch(pool.clone(), redis, Some(db_metrics), probes_stop.clone());
    let tasks = TaskTracker::new();
    tasks.spawn(revocations);
    tasks.spawn(caches.clone().run(stop.clone()));
    tasks.spawn(state.streams().clone().listen());
    start_jobs(&tasks, state.orders(), times, relay, listeners, &stop);
    let app = ServiceApp {
        name: NAME,
        router: layers::wrap(routes::router(state), http_metrics, Limits::default()),
        ops: ops::router(health.clone(), registry).merge(shop_cache::ops::router(&caches)),
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
