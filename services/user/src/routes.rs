//! Where everything is.

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::post;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::http::{health, internal, jwks, notifications, profile, token, users};

/// The document around the operations, which add themselves.
#[derive(OpenApi)]
#[openapi(
    info(title = "Users", description = "Registration, login, profile and notifications of the shop's users"),
    modifiers(&BearerScheme)
)]
struct Document;

struct BearerScheme;

impl utoipa::Modify for BearerScheme {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        document.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// What the gateway leads to.
fn public() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(health::get))
        .routes(routes!(jwks::get))
        .routes(routes!(users::register))
        .routes(routes!(token::create))
        .routes(routes!(users::me))
        .routes(routes!(profile::get))
        .routes(routes!(notifications::list))
}

/// The OpenAPI document of the public routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    public().into_openapi()
}

/// All routes, without the layers that every service has.
pub fn router(state: AppState) -> Router {
    let (public, _document) = public().split_for_parts();
    public.route("/internal/notifications", post(internal::notify)).layer(map_response(no_store)).with_state(state)
}

/// Every answer depends on who asks, or is cheap: none may be kept by anyone in between.
async fn no_store(mut response: Response) -> Response {
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
