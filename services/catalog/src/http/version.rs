//! The version of a product in headers: `ETag` on the way out, `If-Match` on the way in.

use axum::extract::FromRequestParts;
use http::header::{ETAG, IF_MATCH};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use shop_runtime::Problem;

/// The version that the client means to change; none if it takes whichever there is.
pub struct IfMatch(pub(super) Option<i64>);

/// The header that tells a product's version.
pub(super) fn etag(version: i64) -> (HeaderName, HeaderValue) {
    let mut value = HeaderValue::from(version).as_bytes().to_vec();
    value.insert(0, b'"');
    value.push(b'"');
    (ETAG, HeaderValue::from_bytes(&value).unwrap_or_else(|_| HeaderValue::from_static("\"\"")))
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(IF_MATCH) else { return Ok(Self(None)) };
        let version = value.to_str().ok().map(|text| text.trim().trim_matches('"'));
        match version.map(|version| (version, version.parse::<i64>())) {
            Some(("*", _)) => Ok(Self(None)),
            Some((_, Ok(version))) => Ok(Self(Some(version))),
            _ => Err(Problem::bad_request("If-Match: expected one version of the product, such as \"3\"")),
        }
    }
}
