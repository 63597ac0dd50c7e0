//! What a customer may like.

use axum::extract::{FromRequestParts, State};
use axum::response::IntoResponse;
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde::Deserialize;
use shop_auth::{CurrentUser, Role};
use shop_cache::Cached;
use shop_runtime::Problem;
use shop_runtime::extract::{Json, Query};
use shop_runtime::problem::{FieldError, ProblemDocument};
use shop_types::{DemoCustomer, UserId};
use utoipa::IntoParams;

use crate::app::AppState;
use crate::cached::recommendations::RecommendationList;

/// Whose recommendations.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecommendationsQuery {
    /// The customer's UUID, or in a demo shop the number of a demo customer; one's own without it
    #[param(example = "1")]
    user_id: Option<String>,
}

/// The user with the access token, if there is one; one that is not valid is refused.
pub struct Visitor(Option<CurrentUser>);

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        if !parts.headers.contains_key(AUTHORIZATION) {
            return Ok(Self(None));
        }
        CurrentUser::from_request_parts(parts, state).await.map(|user| Self(Some(user)))
    }
}

/// What a customer may like: what others bought together with it, the more the more recently
#[utoipa::path(
    get, path = "/api/recommendations", operation_id = "list_recommendations", tag = "suggestions",
    params(RecommendationsQuery), security(("bearer" = []), ()),
    responses(
        (status = OK, body = RecommendationList, headers(("Cache-Status" = String, description = "What the cache did (RFC 9211)"))),
        (status = BAD_REQUEST, description = "`user_id` is nobody; `errors` names it", body = ProblemDocument),
        (status = UNAUTHORIZED, description = "Not logged in, and the shop is no demo", body = ProblemDocument),
        (status = FORBIDDEN, description = "Another customer's, and the shop is no demo", body = ProblemDocument),
    )
)]
pub async fn list(
    State(state): State<AppState>,
    Visitor(visitor): Visitor,
    Query(RecommendationsQuery { user_id }): Query<RecommendationsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let customer = whose(user_id.as_deref(), visitor.as_ref(), state.is_demo())?;
    let served = state.recommendations.get(&customer).await?;
    Ok(Cached(served.status, Json(served.value.as_deref()).into_response()))
}

/// Why a visitor does not get the recommendations that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// It is not known who asks.
    NotLoggedIn,
    /// They are another customer's.
    Forbidden,
    /// It is not clear whose they are.
    UserId(&'static str),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotLoggedIn => Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "You have to log in first")
                .detail("an access token is missing")
                .authenticate("Bearer"),
            Refusal::Forbidden => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", "These are another customer's recommendations")
            }
            Refusal::UserId(message) => Self::bad_request(format!("user_id: {message}"))
                .with("errors", [FieldError::new("user_id", "invalid", message)]),
        }
    }
}

/// Whose recommendations are asked for, if this visitor may see them: one's own; anybody's, as an administrator or in a demo.
fn whose(asked: Option<&str>, visitor: Option<&CurrentUser>, demo: bool) -> Result<UserId, Refusal> {
    if visitor.is_none() && !demo {
        return Err(Refusal::NotLoggedIn);
    }
    let Some(asked) = asked else {
        let own = visitor.map(|user| user.id);
        return own.ok_or(Refusal::UserId("log in, or say whose recommendations you want"));
    };
    let customer = customer(asked, demo)?;
    let may_see = demo || visitor.is_some_and(|user| user.id == customer || user.role == Role::Admin);
    if may_see { Ok(customer) } else { Err(Refusal::Forbidden) }
}

/// The customer of this UUID or, in a demo, of this number.
fn customer(asked: &str, demo: bool) -> Result<UserId, Refusal> {
    if let Ok(id) = asked.parse::<UserId>() {
        return Ok(id);
    }
    match asked.parse::<DemoCustomer>() {
        Ok(customer) if demo => Ok(customer.user_id()),
        _ if demo => Err(Refusal::UserId("is neither a UUID nor a demo customer's number from 1 to 1000")),
        _ => Err(Refusal::UserId("is not a UUID")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(role: Role) -> CurrentUser {
        CurrentUser { id: UserId::generate(), role, name: "Somebody".to_owned() }
    }

    fn status(outcome: Result<UserId, Refusal>) -> u16 {
        outcome.map_or_else(|refusal| Problem::from(refusal).status().as_u16(), |_| 200)
    }

    #[test]
    fn ones_own_recommendations_need_no_user_id_and_may_have_one() {
        let someone = user(Role::User);
        let id = someone.id.to_string();
        for demo in [false, true] {
            assert_eq!(whose(None, Some(&someone), demo).ok(), Some(someone.id));
            assert_eq!(whose(Some(&id), Some(&someone), demo).ok(), Some(someone.id));
        }
    }

    #[test]
    fn anothers_are_for_administrators_and_for_everyone_in_a_demo() {
        let another = UserId::generate().to_string();
        let (someone, admin) = (user(Role::User), user(Role::Admin));
        assert_eq!(status(whose(Some(&another), None, false)), 401);
        assert_eq!(status(whose(Some(&another), Some(&someone), false)), 403);
        assert_eq!(status(whose(Some(&another), Some(&admin), false)), 200);
        assert_eq!(status(whose(Some(&another), None, true)), 200);
        assert_eq!(status(whose(Some(&another), Some(&someone), true)), 200);
    }

    #[test]
    fn demo_customers_have_numbers_in_a_demo_only() {
        let admin = user(Role::Admin);
        let first = DemoCustomer::new(1).expect("in range").user_id();
        assert_eq!(whose(Some("1"), None, true).ok(), Some(first));
        assert_eq!(status(whose(Some("1"), Some(&admin), false)), 400);
        assert_eq!(status(whose(Some("1"), None, false)), 401);
        for bad in ["0", "1001", "-1", "", "x", "1.0", "00000000"] {
            assert_eq!(status(whose(Some(bad), None, true)), 400, "{bad}");
        }
        assert_eq!(status(whose(None, None, true)), 400);
        assert_eq!(status(whose(None, None, false)), 401);
    }
}
