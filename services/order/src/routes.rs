//! Every route of the order service, and the OpenAPI document that is made of them.

use axum::Router;
use axum::middleware::map_response;
use shop_outbox::dead_letters;
use shop_runtime::layers::no_store;
use shop_runtime::openapi;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::http::{admin, events, health, internal, orders};

/// The routes without what they need to work.
fn all() -> OpenApiRouter<AppState> {
    let own = OpenApiRouter::new()
        .routes(routes!(orders::list))
        .routes(routes!(orders::get))
        .routes(routes!(orders::cancel))
        .routes(routes!(events::follow))
        .routes(routes!(admin::list))
        .routes(routes!(admin::advance))
        .routes(routes!(admin::figures))
        .routes(routes!(internal::put))
        .routes(routes!(internal::list))
        .nest("/order-api", dead_letters::router())
        // Everything here is somebody's own; no cache between us may keep it.
        .layer(map_response(no_store));
    OpenApiRouter::with_openapi(openapi::document("Shopkeeper orders", "Orders and the way that they come."))
        .routes(routes!(health::health))
        .merge(own)
}

/// The routes, ready to be served. Those under `/internal/` are not led to by the gateway, and ask for the services' secret.
pub fn router(state: AppState) -> Router {
    let (routes, document) = all().with_state(state).split_for_parts();
    routes.merge(openapi::route(&document, "/order-api/openapi.json"))
}

/// The OpenAPI document of these routes.
pub fn openapi() -> OpenApi {
    all().split_for_parts().1
}
