//! That the service runs, for people; probes have a port of their own.

use serde::Serialize;
use shop_runtime::extract::Json;
use utoipa::ToSchema;

/// What is served.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct HealthReport {
    #[schema(example = "healthy")]
    status: &'static str,
    #[schema(example = "user")]
    service: &'static str,
    version: &'static str,
}

/// Tells that the service runs
#[utoipa::path(get, path = "/user-api/health", operation_id = "get_health", tag = "system",
    responses((status = 200, description = "It runs", body = HealthReport)))]
pub(crate) async fn get() -> Json<HealthReport> {
    Json(HealthReport { status: "healthy", service: crate::NAME, version: env!("CARGO_PKG_VERSION") })
}
