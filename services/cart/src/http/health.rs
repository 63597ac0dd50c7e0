//! The health route of the older systems.

use serde::Serialize;
use shop_runtime::extract::Json;
use utoipa::ToSchema;

/// That the service answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthReport {
    /// Always `healthy`: a service that is not does not answer.
    #[schema(example = "healthy")]
    status: &'static str,
    /// Which service.
    #[schema(example = "cart")]
    service: &'static str,
    /// Its version.
    version: &'static str,
}

/// Tells that the service answers
#[utoipa::path(get, path = "/cart-api/health", operation_id = "get_cart_health", tag = "health",
    responses((status = 200, body = HealthReport)))]
pub(crate) async fn health() -> Json<HealthReport> {
    Json(HealthReport { status: "healthy", service: "cart", version: env!("CARGO_PKG_VERSION") })
}
