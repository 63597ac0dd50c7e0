//! The caches as people handle them.

use axum::extract::{FromRequestParts, State};
use garde::Validate;
use http::StatusCode;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use shop_auth::Admin;
use shop_cache::{CacheStats, Tag};
use shop_policy::{Acknowledgement, CacheName};
use shop_runtime::Problem;
use shop_runtime::extract::{Json, ValidJson};
use shop_runtime::problem::{FieldError, ProblemDocument};
use utoipa::ToSchema;

use crate::app::AppState;
use crate::invalidations;

/// An administrator, or anyone if the shop is a demo.
#[derive(Debug)]
pub struct AdminUnlessDemo;

impl FromRequestParts<AppState> for AdminUnlessDemo {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        if state.is_demo() {
            return Ok(Self);
        }
        Admin::from_request_parts(parts, state).await.map(|_admin| Self)
    }
}

/// What to forget.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvalidateBody {
    /// The cache: `flash-sales` or `flashSales`, as you like
    #[garde(skip)]
    #[schema(example = "recommendations")]
    cache_type: String,
    /// Only what depends on this; left out: everything
    #[garde(inner(custom(is_tag)))]
    #[schema(value_type = Option<String>, example = "user:0190cafe-0000-7000-8000-000000000001")]
    tag: Option<Tag>,
}

/// What was forgotten.
#[derive(Serialize, ToSchema)]
pub struct Invalidated {
    /// The cache, as it is called everywhere else
    #[schema(value_type = String, example = "recommendations")]
    cache: CacheName,
    /// Whether it is done; if not, it is noted and done when Redis is back
    invalidated: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature of a rule of garde")]
fn is_tag(tag: &Tag, (): &()) -> garde::Result {
    let known = |sign: u8| sign.is_ascii_alphanumeric() || matches!(sign, b':' | b'-' | b'_');
    let text = tag.as_str();
    if (1..=64).contains(&text.len()) && text.contains(':') && text.bytes().all(known) {
        return Ok(());
    }
    Err(garde::Error::new("is a kind and an identifier such as product:42"))
}

/// Forget everything in a cache, on all replicas of all services; for administrators, and for anyone in a demo
#[utoipa::path(
    post, path = "/api/cache/invalidate", operation_id = "invalidate_cache", tag = "admin", request_body = InvalidateBody,
    security(("bearer" = [])),
    responses(
        (status = OK, body = Invalidated),
        (status = ACCEPTED, description = "Redis is away; it will be done when it is back", body = Invalidated),
        (status = UNAUTHORIZED, body = ProblemDocument),
        (status = FORBIDDEN, body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "`unknown-cache` with `caches`", body = ProblemDocument),
    )
)]
pub async fn invalidate(
    State(state): State<AppState>,
    _: AdminUnlessDemo,
    ValidJson(InvalidateBody { cache_type, tag }): ValidJson<InvalidateBody>,
) -> Result<(StatusCode, Json<Invalidated>), Problem> {
    let cache = CacheName::parse(&cache_type).map_err(|unknown| {
        let message = unknown.to_string();
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown-cache", "There is no such cache")
            .detail(message.clone())
            .with("caches", CacheName::all().collect::<Vec<_>>())
            .with("errors", [FieldError::new("/cache_type", "unknown-value", message)])
    })?;
    let wanted = invalidations::tagged(cache, tag.into_iter().collect());
    let invalidated = state.invalidations.request(&wanted).await?;
    let status = if invalidated { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(Invalidated { cache, invalidated })))
}

/// What the answering replica knows of its caches.
#[derive(Serialize, ToSchema)]
pub struct CachesBody {
    /// Which policies are in force
    #[schema(value_type = Object)]
    policy: Acknowledgement,
    /// The caches of this service
    #[schema(value_type = Vec<Object>)]
    caches: Vec<CacheStats>,
}

/// What the answering replica knows of its caches
#[utoipa::path(
    get, path = "/api/cache/stats", operation_id = "cache_stats", tag = "system", responses((status = OK, body = CachesBody))
)]
pub async fn stats(State(state): State<AppState>) -> Json<CachesBody> {
    let caches = state.caches();
    Json(CachesBody { policy: caches.policies().acknowledgement(), caches: caches.stats() })
}
