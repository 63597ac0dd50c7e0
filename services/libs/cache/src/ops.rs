//! What the operational port says about the caches.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use shop_policy::{Acknowledgement, CacheName, Policy};

use crate::{Caches, LivePolicies};

/// `GET /cache/policy`, by which the operator learns what this pod runs, and `GET /cache/stats`.
pub fn router(caches: &Caches) -> Router {
    Router::new()
        .route("/cache/policy", get(policy))
        .route("/cache/stats", get(stats))
        .with_state(caches.policies().clone())
}

async fn policy(State(policies): State<LivePolicies>) -> Json<Acknowledgement> {
    Json(policies.acknowledgement())
}

/// What a pod knows of its caches.
#[derive(Debug, Serialize)]
struct Stats {
    policy: Acknowledgement,
    caches: BTreeMap<CacheName, CacheStats>,
}

/// One cache.
#[derive(Debug, Serialize)]
struct CacheStats {
    policy: Policy,
}

async fn stats(State(policies): State<LivePolicies>) -> Json<Stats> {
    let cache = |cache| (cache, CacheStats { policy: policies.get(cache).as_ref().clone() });
    Json(Stats { policy: policies.acknowledgement(), caches: CacheName::all().map(cache).collect() })
}
