//! The catalog put together: what the handlers share, and the process around them.

use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use prometheus::Registry;
use secrecy::SecretString;
use shop_auth::AuthState;
use shop_cache::{Cache, Caches, LivePolicies};
use shop_outbox::{DeadLetters, OutboxMetrics, Relay, cached};
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
use crate::cached::bestsellers::Bestsellers;
use crate::cached::flash_sales::FlashSales as SalesSource;
use crate::cached::products::Products;
use crate::cached::recommendations::Recommendations;
use crate::cached::top_comments::TopComments;
use crate::changes::Changes;
use crate::comments::Comments;
use crate::config::ServeArgs;
use crate::flash_sales::FlashSales;
use crate::hub::Hub;
use crate::invalidations::Invalidations;
use crate::metrics::CatalogMetrics;
use crate::order_events::OrderEvents;
use crate::product_events::ProductEvents;
use crate::reads::Reads;
use crate::reservations::Reservations;
use crate::sales::Sales;
use crate::sockets::{SocketLimits, SocketParts, Sockets};
use crate::{NAME, expiry, hub, routes, sales};

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
    /// What bounds the sockets.
    pub sockets: SocketLimits,
    /// Where background work and sockets run, so that a stop can wait for them.
    pub tasks: TaskTracker,
    /// The end of both.
    pub stop: CancellationToken,
}

/// What the handlers share.
#[derive(Clone)]
pub struct AppState {
    pub(crate) reads: Reads,
    pub(crate) assortment: Assortment,
    pub(crate) reservations: Reservations,
    pub(crate) comments: Comments,
    pub(crate) flash_sales: FlashSales,
    pub(crate) bestsellers: Cache<Bestsellers>,
    pub(crate) recommendations: Cache<Recommendations>,
    pub(crate) sales: Sales,
    pub(crate) order_events: OrderEvents,
    product_events: ProductEvents,
    pub(crate) invalidations: Invalidations,
    pub(crate) sockets: Sockets,
    pub(crate) metrics: CatalogMetrics,
    auth: AuthState,
    demo: bool,
    caches: Caches,
    hub: Hub,
    relay: Relay,
    db: PgPool,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl AppState {
    /// Puts the parts together.
    pub fn new(parts: Parts, registry: &Registry) -> Result<Self, prometheus::Error> {
        let Parts { db, redis, redis_url, policies, shop, demo, auth, tasks, stop, .. } = parts;
        let metrics = CatalogMetrics::register(registry)?;
        let caches = Caches::new(&shop, redis.clone(), redis_url.as_ref(), policies, registry)?;
        let products = caches.cache(Products(db.clone()));
        let comments = caches.cache(TopComments(db.clone()));
        let sales = caches.cache(SalesSource(db.clone()));
        let invalidations = Invalidations::new(db.clone(), caches.clone());
        let product_events = ProductEvents::new(db.clone());
        let changes = Changes::new(
            db.clone(),
            invalidations.clone(),
            products.clone(),
            comments.clone(),
            sales.clone(),
            product_events.clone(),
        );
        let hub = Hub::default();
        let of_sockets = SocketParts {
            hub: hub.clone(),
            db: db.clone(),
            auth: auth.clone(),
            metrics: metrics.clone(),
            tasks: tasks.clone(),
            stop: stop.clone(),
        };
        Ok(Self {
            reads: Reads::new(db.clone(), products),
            assortment: Assortment::new(changes.clone()),
            reservations: Reservations::new(db.clone(), changes.clone(), parts.reservation_lifetime, metrics.clone()),
            comments: Comments::new(db.clone(), comments, changes.clone(), redis.clone(), metrics.clone()),
            flash_sales: FlashSales::new(db.clone(), sales, changes),
            bestsellers: caches.cache(Bestsellers(db.clone())),
            recommendations: caches.cache(Recommendations(db.clone())),
            sales: Sales::new(db.clone(), invalidations.clone()),
            order_events: OrderEvents::new(db.clone()),
            invalidations,
            product_events,
            sockets: Sockets::new(of_sockets, parts.sockets),
            metrics,
            auth,
            demo,
            caches,
            hub,
            relay: Relay::new(db.clone(), OutboxMetrics::register(registry)?).to_redis(redis),
            db,
            tasks,
            stop,
        })
    }

    /// Starts the background work.
    pub fn start_jobs(&self) {
        let (tasks, stop) = (&self.tasks, &self.stop);
        tasks.spawn(self.caches.clone().run(stop.clone()));
        let caches = self.caches.clone();
        let carry_out = move |event| cached::deliver(caches.clone(), event);
        tasks.spawn(self.relay.clone().run(carry_out, stop.clone()));
        tasks.spawn(sales::forget(self.sales.clone(), stop.clone()));
        tasks.spawn(self.flash_sales.clone().watch_the_clock(stop.clone()));
        tasks.spawn(expiry::forget(self.reservations.clone(), stop.clone()));
        tasks.spawn(self.product_events.clone().watch(stop.clone()));
        let (hub, sales, metrics) = (self.hub.clone(), self.flash_sales.clone(), self.metrics.clone());
        tasks.spawn(hub::listen(hub, self.db.clone(), sales, metrics, stop.clone()));
        tasks.spawn(hub::forget(self.db.clone(), stop.clone()));
    }

    /// Starts to look for reservations that were forgotten. Apart from the rest, since tests look for themselves.
    pub fn start_sweep(&self, every: Duration) {
        self.tasks.spawn(expiry::run(self.reservations.clone(), every, self.stop.clone()));
    }

    /// Whether anyone may do what does no harm in a demo.
    pub const fn is_demo(&self) -> bool {
        self.demo
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

impl FromRef<AppState> for DeadLetters {
    fn from_ref(state: &AppState) -> Self {
        Self::new(state.db.clone())
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

/// Serves until SIGTERM: the catalog, and pages that don't need it.
pub async fn run(args: ServeArgs, pages: Router) -> anyhow::Result<()> {
    let ServeArgs {
        common,
        listen_addr,
        user_url,
        reservation_lifetime,
        reservation_sweep_every,
        websocket_connections,
    } = args;
    let stop = serve::shutdown_on_signal()?;
    let pool = connect(&common.db(NAME, NAME))?;
    let registry = metrics::registry();
    let auth = AuthState::load(&common.auth_public_keys_dir, &common.service_token_file)?;
    let redis = Redis::new(common.redis_url.as_ref())?;
    let tasks = TaskTracker::new();
    tasks.spawn(auth.follow_revocations(user_url.as_deref(), stop.clone())?);
    let parts = Parts {
        db: pool.clone(),
        redis: redis.clone(),
        redis_url: common.redis_url.clone(),
        policies: LivePolicies::watch(common.cache_policy_dir.clone()),
        shop: common.shop_name.clone(),
        demo: common.demo,
        auth,
        reservation_lifetime,
        sockets: SocketLimits { connections: websocket_connections, ..SocketLimits::default() },
        tasks: tasks.clone(),
        stop: stop.clone(),
    };
    let state = AppState::new(parts, &registry)?;
    let http_metrics = HttpMetrics::register(&registry, NAME)?;
    let db_metrics = DbMetrics::register(&registry)?;

    // The probes go on while requests drain: a database that comes back meanwhile should be seen.
    let probes_stop = CancellationToken::new();
    let health = Health::watch(pool.clone(), redis, Some(db_metrics), probes_stop.clone());
    state.start_jobs();
    state.start_sweep(reservation_sweep_every);
    let ops = ops::router(health.clone(), registry).merge(shop_cache::ops::router(state.caches()));
    let app = ServiceApp {
        name: NAME,
        router: layers::wrap(routes::router(state).merge(pages), http_metrics, Limits::default()),
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
