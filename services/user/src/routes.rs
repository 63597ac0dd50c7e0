//! Where everything is.

use axum::Router;
use axum::middleware::map_response;
use axum::routing::{get, post};
use shop_auth::REVOCATIONS_PATH;
use shop_outbox::dead_letters;
use shop_runtime::layers::no_store;
use shop_runtime::openapi;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::http::{
    admin, admin_login, admin_session, health, internal, jwks, notifications, password, profile, sessions, token, users,
};

/// What the gateway leads to.
fn public() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::document(
        "Shopkeeper users",
        "Registration, login, profile and notifications of the shop's users.",
    ))
    .routes(routes!(health::get))
    .routes(routes!(jwks::get))
    .routes(routes!(users::register))
    .routes(routes!(token::create))
    .routes(routes!(sessions::refresh))
    .routes(routes!(sessions::log_out))
    .routes(routes!(sessions::log_out_everywhere))
    .routes(routes!(users::me, users::change_me))
    .routes(routes!(password::change))
    .routes(routes!(profile::get))
    .routes(routes!(notifications::list))
    .routes(routes!(notifications::read))
    .routes(routes!(admin::list))
    .routes(routes!(admin::change))
    .routes(routes!(admin_login::form, admin_login::log_in))
    .routes(routes!(admin_login::log_out))
    .nest("/user-api", dead_letters::router())
}

/// The OpenAPI document of the public routes.
pub fn openapi() -> OpenApi {
    public().into_openapi()
}

/// All routes, without the layers that every service has.
pub fn router(state: AppState) -> Router {
    let (public, document) = public().split_for_parts();
    // Every answer depends on who asks, or is cheap: none may be kept by anyone in between.
    public
        .route("/internal/notifications", post(internal::notify))
        .route("/internal/notifications/batch", post(internal::notify_all))
        .route(REVOCATIONS_PATH, get(internal::revocations))
        .route("/internal/admin-session", get(admin_session::get))
        .layer(map_response(no_store))
        .with_state(state)
        .merge(openapi::route(&document, "/user-api/openapi.json"))
}
