//! The service put together: what its handlers need, and its background work.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use prometheus::Registry;
use shop_auth::AuthState;
use shop_cache::{Caches, LivePolicies};
use shop_outbox::{DeadLetters, OutboxMetrics, Relay, cached};
use shop_runtime::client::Sibling;
use shop_runtime::health::Health;
use shop_runtime::layers::{self, Limits};
use shop_runtime::metrics::{self, DbMetrics, HttpMetrics, SiblingMetrics};
use shop_runtime::rate_limit::{Rate, RateLimiter};
use shop_runtime::redis::Redis;
use shop_runtime::serve::{self, ServiceApp};
use shop_runtime::{db, ops};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cached::{CartCache, PricedCarts};
use crate::carts::Carts;
use crate::checkout::{Checkouts, Driver, Timing};
use crate::config::{ServeArgs, Times};
use crate::metrics::CartMetrics;
use crate::siblings::catalog::Catalog;
use crate::siblings::orders::Orders;
use crate::store::carts::Kept;
use crate::{NAME, jobs, routes};

/// New checkouts of one customer: more than a person can want, few enough to be of no use to a script. Retries do not count.
const CHECKOUT_RATE: Rate = Rate { burst: 30, interval: Duration::from_secs(1) };

/// New anonymous carts of one address: more than an office or a provider behind one address needs, few enough that nobody fills the
/// database. Who has a cart may use it as often as they like.
pub const NEW_CART_RATE: Rate = Rate { burst: 600, interval: Duration::from_millis(100) };

/// The longest rest of a checkout whose step has no outcome.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// What the service is made of.
#[derive(Debug)]
pub struct Parts {
    /// The service's database.
    pub db: PgPool,
    /// Redis, or its absence.
    pub redis: Redis,
    /// The caches.
    pub caches: Caches,
    /// Who may ask.
    pub auth: AuthState,
    /// The catalog service.
    pub catalog: Sibling,
    /// The order service.
    pub orders: Sibling,
    /// How long things take.
    pub times: Times,
    /// How many anonymous carts may be made from one address.
    pub new_carts: Rate,
    /// Where drivers run, so that a stop can wait for them.
    pub tasks: TaskTracker,
}

/// What the handlers need.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) carts: Carts,
    pub(crate) checkouts: Checkouts,
    pub(crate) new_carts: RateLimiter,
    auth: AuthState,
    driver: Arc<Driver>,
    caches: Caches,
    relay: Relay,
    db: PgPool,
    metrics: CartMetrics,
    pub(crate) times: Times,
    tasks: TaskTracker,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts, registry: &Registry) -> Result<Self, prometheus::Error> {
        let Parts { db, redis, caches, auth, catalog, orders, times, new_carts, tasks } = parts;
        let metrics = CartMetrics::register(registry)?;
        let catalog = Catalog::new(catalog);
        let timing = Timing {
            lease: times.checkout_lease,
            first_rest: times.checkout_sweep_every,
            longest_rest: LONGEST_REST.max(times.checkout_sweep_every),
            deadline: times.checkout_deadline,
        };
        let source = PricedCarts::new(db.clone(), catalog.clone());
        let carts = CartCache::new(source.clone(), caches.cache(source));
        let relay = Relay::new(db.clone(), OutboxMetrics::register(registry)?).to_redis(redis.clone());
        let orders = Orders::new(orders);
        let driver = Arc::new(Driver::new(db.clone(), catalog, orders, carts.clone(), timing, metrics.clone()));
        let checkouts = Checkouts::new(
            db.clone(),
            Arc::clone(&driver),
            times.checkout_wait,
            RateLimiter::new("checkout", CHECKOUT_RATE, redis.clone()),
            metrics.clone(),
            tasks.clone(),
        );
        let carts = Carts::new(carts, metrics.clone());
        let new_carts = RateLimiter::new("cart", new_carts, redis);
        Ok(Self { carts, checkouts, new_carts, auth, driver, caches, relay, db, metrics, times, tasks })
    }

    /// Starts the background work, until `stop`.
    pub fn start_jobs(&self, stop: &CancellationToken) {
        let (db, driver) = (self.db.clone(), Arc::clone(&self.driver));
        let every = self.times.checkout_sweep_every;
        self.tasks.spawn(jobs::sweep(db, driver, self.metrics.clone(), every, stop.clone()));
        self.tasks.spawn(jobs::forget(self.db.clone(), self.times.idempotency_kept, stop.clone()));
        let kept = Kept { users: self.times.carts_kept, anonymous: self.times.anonymous_carts_kept };
        self.tasks.spawn(jobs::expire(self.carts.clone(), kept, stop.clone()));
        self.tasks.spawn(self.caches.clone().run(stop.clone()));
        let caches = self.caches.clone();
        self.tasks.spawn(self.relay.clone().run(move |event| cached::deliver(caches.clone(), event), stop.clone()));
    }
}

impl FromRef<App> for DeadLetters {
    fn from_ref(app: &App) -> Self {
        Self::new(app.db.clone())
    }
}

impl FromRef<App> for AuthState {
    fn from_ref(app: &App) -> Self {
        app.auth.clone()
    }
}

/// Serves until SIGTERM.
pub async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let ServeArgs { common, listen_addr, catalog_url, order_url, user_url, times } = args;
    let stop = serve::shutdown_on_signal()?;
    let pool = db::connect(&common.db(NAME, NAME))?;
    let registry = metrics::registry();
    let calls = SiblingMetrics::register(&registry)?;
    let auth = AuthState::load(&common.auth_public_keys_dir, &common.service_token_file)?;
    let token = auth.service_token().secret();
    let catalog = Sibling::new("catalog", &catalog_url, token, times.sibling_timeout)?.measured(&calls);
    let orders = Sibling::new("order", &order_url, token, times.sibling_timeout)?.measured(&calls);
    let redis = Redis::new(common.redis_url.as_ref())?;
    let http_metrics = HttpMetrics::register(&registry, NAME)?;
    let db_metrics = DbMetrics::register(&registry)?;
    let tasks = TaskTracker::new();
    tasks.spawn(auth.follow_revocations(user_url.as_deref(), stop.clone())?);
    let policies = LivePolicies::watch(common.cache_policy_dir.clone());
    let caches = Caches::new(&common.shop_name, redis.clone(), common.redis_url.as_ref(), policies, &registry)?;
    let parts = Parts {
        db: pool.clone(),
        redis: redis.clone(),
        caches: caches.clone(),
        auth,
        catalog,
        orders,
        times,
        new_carts: NEW_CART_RATE,
        tasks: tasks.clone(),
    };
    let app = App::new(parts, &registry)?;

    // The probes go on while requests drain: a database that comes back meanwhile should be seen.
    let probes_stop = CancellationToken::new();
    let health = Health::watch(pool.clone(), redis, Some(db_metrics), probes_stop.clone());
    app.start_jobs(&stop);
    let service = ServiceApp {
        name: NAME,
        router: layers::wrap(routes::router(app), http_metrics, Limits::default()),
        ops: ops::router(health.clone(), registry).merge(shop_cache::ops::router(&caches)),
        health,
        listen: listen_addr,
        ops_listen: common.ops_addr,
        grace: common.shutdown_grace,
        tasks,
    };
    serve::run(service, stop).await?;
    probes_stop.cancel();
    pool.close().await;
    Ok(())
}
