//! What the OpenAPI documents of all services have in common.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, OpenApiBuilder};

/// The document of a service before there is a route in it: who it is, and the ways in which callers say who they are.
pub fn document(title: &str, description: &str) -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let service = ApiKey::Header(ApiKeyValue::with_description("Authorization", "`Service <token>`, between services"));
    let mut components = Components::new();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("service", SecurityScheme::ApiKey(service));
    let info =
        InfoBuilder::new().title(title).version(env!("CARGO_PKG_VERSION")).description(Some(description)).build();
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}
