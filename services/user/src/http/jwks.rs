//! The public keys, for whoever wants to verify access tokens.

use axum::extract::State;
use shop_auth::{AuthState, Jwks};
use shop_runtime::extract::Json;

/// The public keys of access tokens
#[utoipa::path(get, path = "/user-api/.well-known/jwks.json", operation_id = "get_jwks", tag = "system",
    responses((status = 200, description = "The keys", body = Jwks)))]
pub(crate) async fn get(State(auth): State<AuthState>) -> Json<Jwks> {
    Json(auth.verifier().jwks())
}
