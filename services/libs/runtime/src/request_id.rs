//! The id of the request that is being served, known to everything that runs in its task.

use std::future::Future;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use uuid::Uuid;

use crate::context::Context;

/// The header that carries the id from the gateway to the last service, and back to the client.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request that this task serves.
pub fn current() -> Option<Arc<str>> {
    Context::read(|context| context.request_id().cloned())
}

/// Runs `work` as a part of the request with this id; the rest of its context stays.
pub async fn scope<F: Future>(id: Arc<str>, work: F) -> F::Output {
    Context::current().with_request_id(id).scope(work).await
}

/// The id that came with the request if it is a sensible one, else a new one.
pub fn of_request(headers: &HeaderMap) -> Arc<str> {
    headers
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        .map_or_else(|| Uuid::now_v7().to_string().into(), Arc::from)
}
