//! Every route of the catalog, and the OpenAPI document that is made of them.

use axum::Router;
use axum::middleware::map_response;
use shop_outbox::dead_letters;
use shop_runtime::layers::no_store;
use shop_runtime::openapi;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::http::{
    admin, bestsellers, caches, categories, comments, flash_sales, order_events, products, quote, recommendations,
    reservations, sales, socket, swagger, system,
};

/// The routes without what they need to work.
fn all() -> OpenApiRouter<AppState> {
    // These are somebody's own; nobody between us may keep them.
    let own = OpenApiRouter::new().routes(routes!(recommendations::list)).layer(map_response(no_store));
    OpenApiRouter::with_openapi(openapi::document(
        "Shopkeeper catalog",
        "Products, categories and the stock that orders take from them.",
    ))
    .routes(routes!(system::health))
    .routes(routes!(categories::list))
    .routes(routes!(products::list, admin::create))
    .routes(routes!(products::get, admin::replace, admin::patch, admin::delete))
    .routes(routes!(comments::best, comments::create))
    .routes(routes!(comments::all))
    .routes(routes!(comments::edit, comments::delete))
    .routes(routes!(comments::vote))
    .routes(routes!(bestsellers::list))
    .merge(own)
    .routes(routes!(flash_sales::list, flash_sales::start))
    .routes(routes!(flash_sales::stop))
    .routes(routes!(caches::invalidate))
    .routes(routes!(caches::stats))
    .nest("/api", dead_letters::router())
    .routes(routes!(socket::listen))
    .routes(routes!(sales::record))
    .routes(routes!(sales::record_all))
    .routes(routes!(sales::cancel))
    .routes(routes!(order_events::record))
    .routes(routes!(order_events::record_all))
    .routes(routes!(quote::quote))
    .routes(routes!(reservations::reserve, reservations::release))
    .routes(routes!(reservations::commit))
}

/// The routes, ready to be served. Those under `/internal/` are not led to by the gateway, and ask for the services' secret.
pub fn router(state: AppState) -> Router {
    let (routes, document) = all().with_state(state).split_for_parts();
    routes.merge(openapi::route(&document, "/api/openapi.json")).merge(swagger::router())
}

/// The OpenAPI document of these routes.
pub fn openapi() -> OpenApi {
    all().split_for_parts().1
}
