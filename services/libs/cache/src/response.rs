//! An answer that a cache took part in says so.

use axum::response::{IntoResponse, Response};

use crate::{CACHE_STATUS, CacheStatus};

/// An answer with the header `Cache-Status` of the value that it is made of.
#[derive(Clone, Copy, Debug)]
pub struct Cached<R>(pub CacheStatus, pub R);

impl<R: IntoResponse> IntoResponse for Cached<R> {
    fn into_response(self) -> Response {
        let Self(status, answer) = self;
        let mut response = answer.into_response();
        response.headers_mut().insert(CACHE_STATUS, status.header());
        response
    }
}
