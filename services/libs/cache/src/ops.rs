//! What the operational port says about the caches.

use axum::Router;

use crate::Caches;

/// `GET /cache/policy` and `GET /cache/stats`.
pub fn router(_caches: &Caches) -> Router {
    Router::new()
}
