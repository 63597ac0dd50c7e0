//! Every route of the catalog, and the OpenAPI document that is made of them.

use axum::Router;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::http::{admin, categories, products, quote, reservations, system};

/// The routes without what they need to work.
fn all() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(document())
        .routes(routes!(system::health))
        .routes(routes!(categories::list))
        .routes(routes!(products::list, admin::create))
        .routes(routes!(products::get, admin::patch, admin::delete))
        .routes(routes!(quote::quote))
        .routes(routes!(reservations::reserve, reservations::release))
        .routes(routes!(reservations::commit))
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
                .title("Shopkeeper catalog")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some("Products, categories and the stock that orders take from them."))
                .build(),
        )
        .components(Some(components))
        .build()
}
