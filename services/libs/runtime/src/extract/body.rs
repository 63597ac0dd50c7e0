//! Bodies: as much of them as may be, in the time that there is.

use std::error::Error;

use axum::body::Body;
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use tokio::time::Instant;

use crate::{Problem, deadline};

/// The most that a body may have where nothing else was said.
const DEFAULT_LIMIT: usize = 64 * 1024;

/// The largest body of a request, in bytes, as an extension of the request. A route may have one of its own.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit(pub usize);

/// The whole body.
pub(super) async fn read(request: Request) -> Result<Bytes, Problem> {
    let limit = request.extensions().get::<BodyLimit>().map_or(DEFAULT_LIMIT, |limit| limit.0);
    let body = request.into_body();
    // Half of the time is for the body to come, the other half for the answer.
    match deadline::remaining() {
        Some(left) => tokio::time::timeout_at(Instant::now() + left / 2, collect(body, limit))
            .await
            .unwrap_or_else(|_elapsed| Err(too_slow())),
        None => collect(body, limit).await,
    }
}

async fn collect(mut body: Body, limit: usize) -> Result<Bytes, Problem> {
    let mut whole = Whole::Nothing;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(broken_off)?;
        if let Ok(data) = frame.into_data() {
            if whole.len() + data.len() > limit {
                return Err(too_large(limit));
            }
            whole = whole.and(data);
        }
    }
    Ok(whole.into_bytes())
}

/// What has come; most bodies come at once, and are not copied.
enum Whole {
    Nothing,
    One(Bytes),
    Many(BytesMut),
}

impl Whole {
    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One(bytes) => bytes.len(),
            Self::Many(bytes) => bytes.len(),
        }
    }

    fn and(self, more: Bytes) -> Self {
        let mut all = match self {
            Self::Nothing => return Self::One(more),
            Self::One(first) => BytesMut::from(first),
            Self::Many(all) => all,
        };
        all.extend_from_slice(&more);
        Self::Many(all)
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes.freeze(),
        }
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload-too-large", "The body is too large")
        .detail(format!("it may have up to {limit} bytes"))
        .with("limit", limit)
}

fn too_slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "request-timeout", "The body did not come in time")
}

fn broken_off(error: impl Error + Send + Sync + 'static) -> Problem {
    Problem::bad_request("the body broke off").caused_by(error)
}

/// Whether the body is said to be of this type.
pub(super) fn is(headers: &HeaderMap, wanted: fn(&str) -> bool) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.split(';').next()).is_some_and(|value| wanted(&value.trim().to_ascii_lowercase()))
}

pub(super) fn unsupported(wanted: &'static str) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "The body is of another type than expected",
    )
    .detail(format!("send it with `Content-Type: {wanted}`"))
}
