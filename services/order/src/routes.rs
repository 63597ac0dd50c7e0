//! Every route of the order service, and the OpenAPI document that is made of them.

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::http::{health, internal, orders};

/// The routes without what they need to work.
fn all() -> OpenApiRouter<AppState> {
    let own = OpenApiRouter::new()
        .routes(routes!(orders::list))
        .routes(routes!(orders::get))
        .routes(routes!(internal::put))
        .routes(routes!(internal::list))
        // Everything here is somebody's own; no cache between us may keep it.
        .layer(map_response(no_store));
    OpenApiRouter::with_openapi(document()).routes(routes!(health::health)).merge(own)
}

async fn no_store(mut response: Response) -> Response {
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The routes, ready to be served. Those under `/internal/` are not led to by the gateway, and ask for the services' secret.
pub fn router(state: AppState) -> Router {
    all().with_state(state).split_for_parts().0
}

/// The OpenAPI document of these routes.
pub fn openapi() -> OpenApi {
    all().split_for_parts().1
}

/// The document before there is a route in it.
fn document() -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let service = ApiKey::Header(ApiKeyValue::with_description("Authorization", "`Service <token>`, between services"));
    let mut components = Components::new();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("service", SecurityScheme::ApiKey(service));
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Shopkeeper orders")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some("Orders and the way that they come."))
                .build(),
        )
        .components(Some(components))
        .build()
}
