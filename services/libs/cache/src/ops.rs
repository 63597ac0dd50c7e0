//! What the operational port says about the caches.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use shop_policy::Acknowledgement;

use crate::{CacheStats, Caches};

/// `GET /cache/policy`, by which the operator learns what this pod runs, and `GET /cache/stats`.
pub fn router(caches: &Caches) -> Router {
    Router::new().route("/cache/policy", get(policy)).route("/cache/stats", get(stats)).with_state(caches.clone())
}

async fn policy(State(caches): State<Caches>) -> Json<Acknowledgement> {
    Json(caches.policies().acknowledgement())
}

/// What a pod knows of its caches.
#[derive(Debug, Serialize)]
struct Stats {
    policy: Acknowledgement,
    caches: Vec<CacheStats>,
}

async fn stats(State(caches): State<Caches>) -> Json<Stats> {
    Json(Stats { policy: caches.policies().acknowledgement(), caches: caches.stats() })
}
