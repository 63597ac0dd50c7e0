//! The service put together: what the handlers share, and the process around them.

use std::time::Duration;

use axum::extract::FromRef;
use prometheus::Registry;
use shop_auth::{AuthState, LiveSigner, Revocations};
use shop_cache::{Caches, LivePolicies};
use shop_outbox::{DeadLetters, OutboxMetrics, Relay, cached};
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

use crate::admin_sessions::AdminSessions;
use crate::cached::{UserRows, Users};
use crate::config::ServeArgs;
use crate::limits::UserLimits;
use crate::logins::Logins;
use crate::metrics::UserMetrics;
use crate::passwords::Passwords;
use crate::sessions::Sessions;
use crate::{NAME, SCHEMA, jobs, routes};

/// How long the profile waits for a sibling's attempt; a gap is better than a slow page.
const SIBLING_TIMEOUT: Duration = Duration::from_secs(1);

/// The services that the profile asks.
#[derive(Clone, Debug)]
pub(crate) struct Siblings {
    pub(crate) cart: Sibling,
    pub(crate) order: Sibling,
}

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct AppState {
    pub(crate) pool: PgPool,
    pub(crate) users: Users,
    pub(crate) passwords: Passwords,
    pub(crate) limits: UserLimits,
    pub(crate) logins: Logins,
    pub(crate) sessions: Sessions,
    pub(crate) admins: AdminSessions,
    pub(crate) siblings: Siblings,
    pub(crate) metrics: UserMetrics,
    auth: AuthState,
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

impl AppState {
    /// The ended sessions that this process knows of.
    pub(crate) const fn revocations(&self) -> &Revocations {
        self.auth.revocations()
    }
}

/// Puts the service together; nothing needs to be in reach for it. Its tasks run until `stop`.
pub fn build(args: &ServeArgs, stop: &CancellationToken) -> anyhow::Result<ServiceApp> {
    let ServeArgs { common, listen_addr, cart_url, order_url, .. } = args;
    let registry = metrics::registry();
    let calls = SiblingMetrics::register(&registry)?;
    let pool = db::connect(&common.db(NAME, SCHEMA))?;
    let redis = Redis::new(common.redis_url.as_ref())?;
    let auth = AuthState::load(&common.auth_public_keys_dir, &common.service_token_file)?;
    let token = auth.service_token().secret();
    let policies = LivePolicies::watch(common.cache_policy_dir.clone());
    let url = common.redis_url.as_ref();
    let caches = Caches::new(&common.shop_name, redis.clone(), url, policies, &registry)?;
    let metrics = UserMetrics::register(&registry)?;
    let passwords = Passwords::new(metrics.hashes.clone())?;
    let signer = LiveSigner::watching(&args.auth_signing_key_file, auth.verifier().clone())?;
    let limits = UserLimits::new(&redis);
    let sessions = Sessions {
        pool: pool.clone(),
        auth: auth.clone(),
        signer,
        lifetimes: args.lifetimes(),
        limits: limits.clone(),
        metrics: metrics.clone(),
    };
    let admins = AdminSessions::new(sessions.clone());
    let logins = Logins {
        pool: pool.clone(),
        passwords: passwords.clone(),
        sessions: sessions.clone(),
        admins: admins.clone(),
        limits: limits.clone(),
        metrics: metrics.clone(),
    };
    let state = AppState {
        pool: pool.clone(),
        users: Users::new(pool.clone(), caches.cache(UserRows(pool.clone()))),
        passwords,
        limits,
        logins,
        sessions,
        admins,
        siblings: Siblings {
            cart: Sibling::new("cart", cart_url, token, SIBLING_TIMEOUT)?.measured(&calls),
            order: Sibling::new("order", order_url, token, SIBLING_TIMEOUT)?.measured(&calls),
        },
        metrics,
        auth,
    };
    let tasks = TaskTracker::new();
    start_jobs(&tasks, &state, stop);
    tasks.spawn(caches.clone().run(stop.clone()));
    let relay = Relay::new(pool.clone(), OutboxMetrics::register(&registry)?).to_redis(redis.clone());
    let told = caches.clone();
    tasks.spawn(relay.run(move |event| cached::deliver(told.clone(), event), stop.clone()));
    let health = Health::watch(pool, redis, Some(DbMetrics::register(&registry)?), stop.clone());
    Ok(ServiceApp {
        name: NAME,
        router: wrapped(state, &registry)?,
        ops: ops::router(health.clone(), registry).merge(shop_cache::ops::router(&caches)),
        health,
        listen: *listen_addr,
        ops_listen: common.ops_addr,
        grace: common.shutdown_grace,
        tasks,
    })
}

fn wrapped(state: AppState, registry: &Registry) -> Result<axum::Router, prometheus::Error> {
    let metrics = HttpMetrics::register(registry, NAME)?;
    Ok(layers::wrap(routes::router(state), metrics, Limits::default()))
}

/// What comes back again and again until `stop`.
fn start_jobs(tasks: &TaskTracker, state: &AppState, stop: &CancellationToken) {
    tasks.spawn(jobs::forget_old_events(state.pool.clone(), stop.clone()));
    tasks.spawn(jobs::forget_sessions(state.pool.clone(), stop.clone()));
    tasks.spawn(jobs::follow_revocations(state.pool.clone(), state.revocations().clone(), stop.clone()));
}

/// Serves until SIGTERM.
pub async fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let stop = serve::shutdown_on_signal()?;
    let app = build(args, &stop)?;
    Ok(serve::run(app, stop).await?)
}
