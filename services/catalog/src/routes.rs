//! Every route of the catalog, and the OpenAPI document that is made of them.

use axum::Router;
use shop_runtime::openapi;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::http::{admin, categories, products, quote, reservations, system};

/// The routes without what they need to work.
fn all() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::document(
        "Shopkeeper catalog",
        "Products, categories and the stock that orders take from them.",
    ))
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
