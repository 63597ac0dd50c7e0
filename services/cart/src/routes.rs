//! Every route of the cart service, and the OpenAPI document that is made of them.

use axum::Router;
use axum::middleware::{from_fn, map_response};
use shop_outbox::dead_letters;
use shop_runtime::layers::no_store;
use shop_runtime::openapi;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::{cart, checkout, health, internal, system_a, visitor};

/// The routes without what they need to work.
fn all() -> OpenApiRouter<App> {
    let own = OpenApiRouter::new()
        .routes(routes!(cart::read, cart::clear))
        .routes(routes!(cart::add_item))
        .routes(routes!(cart::set_item, cart::remove_item))
        .routes(routes!(cart::merge))
        .routes(routes!(cart::dismiss_left_out))
        .routes(routes!(checkout::checkout))
        .routes(routes!(system_a::read))
        .routes(routes!(system_a::add_item))
        .routes(routes!(internal::read))
        .nest("/cart-api", dead_letters::router())
        .layer(from_fn(visitor::keep_cookie))
        // Everything here is somebody's own; no cache between us may keep it.
        .layer(map_response(no_store));
    OpenApiRouter::with_openapi(openapi::document(
        "Shopkeeper cart",
        "Carts, and the checkout that makes orders of them.",
    ))
    .routes(routes!(health::health))
    .merge(own)
}

/// The routes, ready to be served. Those under `/internal/` are not led to by the gateway, and ask for the services' secret.
pub fn router(app: App) -> Router {
    let (routes, document) = all().with_state(app).split_for_parts();
    routes.merge(openapi::route(&document, "/cart-api/openapi.json"))
}

/// The OpenAPI document of these routes.
pub fn openapi() -> OpenApi {
    all().split_for_parts().1
}
