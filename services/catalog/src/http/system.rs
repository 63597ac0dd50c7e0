//! Whether the service is there, for those who come through the gateway.

use serde::Serialize;
use shop_runtime::extract::Json;
use utoipa::ToSchema;

/// The service is there.
#[derive(Serialize, ToSchema)]
pub struct HealthBody {
    /// Always `healthy`: a service that is not does not answer.
    #[schema(example = "healthy")]
    status: &'static str,
    /// Which service.
    #[schema(example = "catalog")]
    service: &'static str,
    /// Which version of it.
    version: &'static str,
}

/// Whether the catalog is there
#[utoipa::path(
    get, path = "/api/system/health", operation_id = "get_health", tag = "system",
    responses((status = OK, body = HealthBody))
)]
pub async fn health() -> Json<HealthBody> {
    Json(HealthBody { status: "healthy", service: "catalog", version: env!("CARGO_PKG_VERSION") })
}
