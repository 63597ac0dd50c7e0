//! The login of administrators in a browser: a form, and the cookie that the gateway lets in.

pub(super) mod cookie;
mod next;
mod own_site;
mod page;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use shop_runtime::extract::Form;
use shop_runtime::problem::ProblemDocument;
use shop_runtime::{ClientIp, Problem};
use utoipa::ToSchema;

use self::next::LocalPath;
use self::own_site::OwnSite;
use self::page::Page;
use super::admin_session;
use crate::admin_sessions::LIFETIME;
use crate::app::AppState;

/// Where the form is, and where it is sent.
const LOGIN_PATH: &str = "/user-api/admin/login";

/// Where a browser is logged out.
const LOGOUT_PATH: &str = "/user-api/admin/logout";

/// What the form sends.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct LoginForm {
    #[schema(example = "admin")]
    username: String,
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// A path of this shop to go on to; anything else counts as `/`.
    #[serde(default)]
    #[schema(example = "/grafana/")]
    next: String,
}

/// Shows the form by which an administrator's browser logs in
///
/// `next` may come as it is, with all that follows it, or encoded as usual.
#[utoipa::path(get, path = "/user-api/admin/login", operation_id = "show_admin_login", tag = "admin",
    params(("next" = Option<String>, Query, description = "A path of this shop to go on to; anything else counts as `/`")),
    responses((status = 200, description = "The form", body = String, content_type = "text/html")))]
pub(crate) async fn form(State(state): State<AppState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let next = LocalPath::of_query(query.as_deref().unwrap_or_default());
    let logged_in = admin_session::admitted(&state, &headers).await.ok();
    Page { next: next.as_str(), logged_in: logged_in.as_deref(), ..Page::default() }.answer(StatusCode::OK)
}

/// Logs an administrator's browser in
///
/// The cookie `shop_admin` opens dashboards and tools behind the gateway for eight hours, and nothing of the API. A form that another
/// site sent is refused.
#[utoipa::path(post, path = "/user-api/admin/login", operation_id = "log_in_admin", tag = "admin",
    request_body(content = LoginForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "Logged in; on to `next`",
            headers(("Set-Cookie" = String, description = "`shop_admin`"), ("Location" = String, description = "`next`"))),
        (status = 401, description = "Wrong username or password; the form again", body = String, content_type = "text/html"),
        (status = 403, description = "Not an administrator, or sent by another site; the form again", body = String,
            content_type = "text/html"),
        (status = 422, description = "It is not what the form sends", body = ProblemDocument),
        (status = 429, description = "Too many attempts; the form again, with `Retry-After`", body = String,
            content_type = "text/html"),
        (status = 503, description = "Passwords can't be checked at the moment; the form again", body = String,
            content_type = "text/html"),
    ))]
pub(crate) async fn log_in(
    State(state): State<AppState>,
    own: OwnSite,
    client: ClientIp,
    Form(input): Form<LoginForm>,
) -> Response {
    let next = LocalPath::new(&input.next).unwrap_or_default();
    let admitted = state.logins.log_in_admin(client, &input.username, &input.password).await;
    let cookie = admitted
        .map_err(Problem::from)
        .and_then(|token| cookie::set(&token.0, LIFETIME, own.secure).map_err(Problem::internal));
    match cookie {
        Ok(cookie) => on_to(next.header(), cookie),
        Err(problem) => Page { next: next.as_str(), username: &input.username, ..Page::default() }.refusal(problem),
    }
}

/// Logs this browser out
///
/// The session of the cookie ends everywhere, within a few seconds. Without one there is nothing to end.
#[utoipa::path(post, path = "/user-api/admin/logout", operation_id = "log_out_admin", tag = "admin",
    responses(
        (status = 303, description = "Logged out; back to the form",
            headers(("Set-Cookie" = String, description = "`shop_admin` is taken back"), ("Location" = String, description = "The form"))),
        (status = 403, description = "Sent by another site", body = String, content_type = "text/html"),
        (status = 503, description = "The session can't be ended at the moment; the cookie stays", body = ProblemDocument),
    ))]
pub(crate) async fn log_out(
    State(state): State<AppState>,
    own: OwnSite,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    for token in cookie::tokens(&headers) {
        state.admins.end(token).await?;
    }
    let cookie = cookie::taken_back(own.secure).map_err(Problem::internal)?;
    Ok(on_to(HeaderValue::from_static(LOGIN_PATH), cookie))
}

fn on_to(place: HeaderValue, cookie: HeaderValue) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, place), (SET_COOKIE, cookie)]).into_response()
}
