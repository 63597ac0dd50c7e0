//! The server under test: the same small answer by the barest means, and by way of the cache library.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use clap::Args;
use prometheus::Registry;
use redis::AsyncCommands as _;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use shop_cache::{CACHE_STATUS, Cache, Caches, LivePolicies, LoadError, Loaded, Reason, Source, Tag};
use shop_policy::{CacheName, LocalTier, Pattern, Policies, Policy};
use shop_runtime::db::{self, DbConfig};
use shop_runtime::redis::Redis;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Where the server finds what it needs.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServeArgs {
    #[arg(long, env = "DATABASE_URL", value_parser = shop_runtime::config::secret)]
    database_url: SecretString,
    #[arg(long, env = "REDIS_URL", value_parser = shop_runtime::config::secret)]
    redis_url: SecretString,
}

/// What every path answers with.
#[derive(Clone, Debug, Serialize, Deserialize, sqlx::FromRow)]
pub(crate) struct Item {
    id: i64,
    category: String,
    name_en: String,
    name_ru: String,
    description_en: String,
    description_ru: String,
    price_amount: i64,
    price_currency: String,
    stock: i32,
    version: i64,
}

/// How many products there are: key `n` is of product `n % PRODUCTS + 1`.
pub(crate) const PRODUCTS: u32 = 20_000;

#[derive(Clone)]
struct Bench {
    db: PgPool,
    redis: Redis,
    item: Arc<Item>,
    loads: Arc<AtomicU64>,
    /// With a tier in memory.
    local: Cache<Items>,
    /// With Redis only.
    remote: Cache<Items>,
    /// Of pattern None.
    bypass: Cache<Items>,
}

struct Items {
    db: PgPool,
    loads: Arc<AtomicU64>,
}

impl Source for Items {
    const NAME: CacheName = CacheName::Products;
    const SCHEMA: u32 = 1;
    type Key = u64;
    type Value = Item;
    type Error = sqlx::Error;

    async fn load(&self, key: &u64) -> Result<Option<Loaded<Item>>, sqlx::Error> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        Ok(query(&self.db, *key).await?.map(Loaded::from))
    }

    fn tags(&self, _key: &u64, item: &Item) -> Vec<Tag> {
        vec![Tag::new("product", item.id)]
    }
}

async fn query(db: &PgPool, key: u64) -> Result<Option<Item>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, category, name_en, name_ru, description_en, description_ru, price_amount, price_currency, stock, version
         FROM products WHERE id = $1",
    )
    .bind(i64::try_from(key % u64::from(PRODUCTS)).unwrap_or_default() + 1)
    .fetch_optional(db)
    .await
}

/// Serves until its standard input ends, after it has printed its address.
#[expect(clippy::print_stdout, reason = "its address is what the parent reads")]
pub(crate) async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let db = db::connect(&DbConfig { max_connections: 10, ..DbConfig::new(args.database_url, "bench", "catalog") })?;
    let redis = Redis::new(Some(&args.redis_url))?;
    let (loads, stop) = (Arc::new(AtomicU64::new(0)), CancellationToken::new());
    let cache = |shop: &str, policy: Policy| -> anyhow::Result<Cache<Items>> {
        let policies = LivePolicies::fixed(&Policies::of(|_| policy.clone()));
        let caches = Caches::new(shop, redis.clone(), Some(&args.redis_url), policies, &Registry::new())?;
        let cache = caches.cache(Items { db: db.clone(), loads: Arc::clone(&loads) });
        tokio::spawn(caches.run(stop.clone()));
        Ok(cache)
    };
    let item = query(&db, 1).await?.ok_or_else(|| anyhow::anyhow!("there is no product"))?;
    let bench = Bench {
        local: cache("bench/local", local_policy())?,
        remote: cache("bench/remote", remote_policy())?,
        bypass: cache("bench/bypass", Policy { pattern: Pattern::None, ..remote_policy() })?,
        item: Arc::new(item),
        db,
        redis,
        loads,
    };
    let bytes = serde_json::to_vec(&*bench.item)?;
    bench.redis.run(async |mut connection| connection.set::<_, _, ()>("bench:bare", bytes).await).await?;

    let router = Router::new()
        .route("/bare/{key}", get(bare))
        .route("/get/{key}", get(bare_get))
        .route("/query/{key}", get(bare_query))
        .route("/write/{key}", post(bare_write))
        .route("/local/{key}", get(|State(bench): State<Bench>, Path(key): Path<u64>| cached(bench.local, key)))
        .route("/remote/{key}", get(|State(bench): State<Bench>, Path(key): Path<u64>| cached(bench.remote, key)))
        .route("/bypass/{key}", get(|State(bench): State<Bench>, Path(key): Path<u64>| cached(bench.bypass, key)))
        .route("/tag/{key}", get(invalidate_tag))
        .route(
            "/loads",
            get(|State(bench): State<Bench>| async move { bench.loads.load(Ordering::Relaxed).to_string() }),
        )
        .with_state(bench);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let parent_gone = async {
        let wait = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = tokio::task::spawn_blocking(wait).await;
    };
    axum::serve(tokio_listener(listener), router).with_graceful_shutdown(parent_gone).await?;
    stop.cancel();
    Ok(())
}

/// Answers go out at once, as those of the services do.
fn tokio_listener(listener: TcpListener) -> impl axum::serve::Listener<Addr = std::net::SocketAddr> {
    use axum::serve::ListenerExt as _;
    listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    })
}

/// An hour in both tiers, so that nothing ends in the middle.
pub(crate) fn local_policy() -> Policy {
    let hour = Duration::from_secs(3_600);
    Policy { local: Some(LocalTier { ttl: hour, max_entries: 50_000 }), ..remote_policy() }
}

pub(crate) fn remote_policy() -> Policy {
    let hour = Duration::from_secs(3_600);
    Policy { pattern: Pattern::CacheAside, ttl: hour, local: None, ..Policy::default_of(CacheName::Products) }
}

async fn bare(State(bench): State<Bench>, Path(_key): Path<u64>) -> Json<Arc<Item>> {
    Json(bench.item)
}

async fn bare_get(State(bench): State<Bench>, Path(_key): Path<u64>) -> Response {
    let bytes = bench.redis.run(async |mut connection| connection.get::<_, Vec<u8>>("bench:bare").await).await;
    match bytes {
        Ok(bytes) => ([(CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn bare_query(State(bench): State<Bench>, Path(key): Path<u64>) -> Response {
    match query(&bench.db, key).await {
        Ok(Some(item)) => Json(item).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// One row, added or changed, in a transaction of its own: the least that anything that is kept can cost.
async fn bare_write(State(bench): State<Bench>, Path(key): Path<i64>) -> Response {
    let written = sqlx::query_scalar::<_, i32>(
        "INSERT INTO bench_lines (id, quantity) VALUES ($1, 1)
         ON CONFLICT (id) DO UPDATE SET quantity = bench_lines.quantity + 1 RETURNING quantity",
    )
    .bind(key)
    .fetch_one(&bench.db)
    .await;
    match written {
        Ok(quantity) => Json(quantity).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn cached(cache: Cache<Items>, key: u64) -> Response {
    match cache.get(&key).await {
        Ok(served) => match served.value {
            Some(item) => ([(CACHE_STATUS, served.status.header())], Json(item)).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        Err(LoadError::Source(_) | LoadError::TimedOut(_) | LoadError::Panicked) => {
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn invalidate_tag(State(bench): State<Bench>, Path(key): Path<u64>) -> StatusCode {
    match bench.remote.invalidate_tags(&[Tag::new("product", key)], Reason::Tag).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
