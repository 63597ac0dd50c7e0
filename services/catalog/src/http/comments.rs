//! Comments on products and votes on comments.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use shop_auth::CurrentUser;
use shop_cache::Cached;
use shop_runtime::extract::{Json, Path, Query, ValidJson};
use shop_runtime::problem::ProblemDocument;
use shop_types::{CommentId, Cursor, Page, PageLimit, ProductId};
use utoipa::{IntoParams, ToSchema};

use super::products::ProductPath;
use crate::app::AppState;
use crate::cached::top_comments::BestComments;
use crate::domain::comment::{Comment, Edit, NewComment, Vote};
use crate::domain::text;
use crate::error::Error;

/// The longest comment.
const TEXT_LENGTH: usize = 1_000;

/// What a customer says about a product.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentBody {
    /// Up to 1,000 characters
    #[garde(custom(is_text))]
    #[schema(example = "Crisp and sweet.")]
    text: String,
    /// From 1 to 5
    #[garde(range(min = 1, max = 5))]
    #[schema(minimum = 1, maximum = 5)]
    rating: i16,
}

/// What a customer thinks of another's comment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoteBody {
    /// 1: helpful, -1: not helpful, 0: nothing any more
    #[schema(value_type = i16, minimum = -1, maximum = 1)]
    value: Vote,
}

/// A comment of the route.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct CommentPath {
    /// The product's number
    id: ProductId,
    /// The comment's id
    comment_id: CommentId,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature of a rule of garde")]
fn is_text(text: &str, (): &()) -> garde::Result {
    text::check(text, TEXT_LENGTH).map_err(garde::Error::new)
}

/// Which of all comments.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AllQuery {
    /// How many comments a page has
    #[serde(default)]
    limit: PageLimit,
    /// Where to go on: `next_cursor` of the page before
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// The ten best comments on a product: those that are most surely found helpful, then the newest
#[utoipa::path(
    get, path = "/api/products/{id}/comments", operation_id = "list_comments", tag = "comments", params(ProductPath),
    responses(
        (status = OK, body = BestComments, headers(("Cache-Status" = String, description = "What the cache did (RFC 9211)"))),
        (status = NOT_FOUND, body = ProblemDocument),
    )
)]
pub async fn best(
    State(state): State<AppState>,
    Path(ProductPath { id }): Path<ProductPath>,
) -> Result<Cached<Json<Arc<BestComments>>>, Error> {
    let (status, comments) = state.comments.best(id).await?;
    Ok(Cached(status, Json(comments)))
}

/// All comments on a product, newest first
#[utoipa::path(
    get, path = "/api/products/{id}/comments/all", operation_id = "list_all_comments", tag = "comments",
    params(ProductPath, AllQuery),
    responses(
        (status = OK, body = Page<Comment>),
        (status = BAD_REQUEST, description = "A parameter makes no sense; `errors` names it", body = ProblemDocument),
        (status = NOT_FOUND, body = ProblemDocument),
    )
)]
pub async fn all(
    State(state): State<AppState>,
    Path(ProductPath { id }): Path<ProductPath>,
    Query(AllQuery { limit, cursor }): Query<AllQuery>,
) -> Result<Json<Page<Comment>>, Error> {
    Ok(Json(state.comments.newest(id, cursor.as_ref(), limit).await?))
}

/// Comment on a product, once
#[utoipa::path(
    post, path = "/api/products/{id}/comments", operation_id = "create_comment", tag = "comments", params(ProductPath),
    request_body = CommentBody, security(("bearer" = [])),
    responses(
        (status = CREATED, body = Comment),
        (status = UNAUTHORIZED, body = ProblemDocument),
        (status = NOT_FOUND, body = ProblemDocument),
        (status = CONFLICT, description = "`already-commented`", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "`errors` names the fields", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "`too-many-comments`", body = ProblemDocument),
    )
)]
pub async fn create(
    State(state): State<AppState>,
    user: CurrentUser,
    Path(ProductPath { id }): Path<ProductPath>,
    ValidJson(body): ValidJson<CommentBody>,
) -> Result<impl IntoResponse, Error> {
    let author = if user.name.trim().is_empty() { user.id.to_string() } else { user.name };
    let new = NewComment { product: id, user: user.id, author, text: text::cleaned(&body.text), rating: body.rating };
    Ok((StatusCode::CREATED, Json(state.comments.add(&new).await?)))
}

/// Say something else in one's own comment; votes begin anew if its text is another one
#[utoipa::path(
    put, path = "/api/products/{id}/comments/{comment_id}", operation_id = "edit_comment", tag = "comments",
    params(CommentPath), request_body = CommentBody, security(("bearer" = [])),
    responses(
        (status = OK, body = Comment),
        (status = UNAUTHORIZED, body = ProblemDocument),
        (status = FORBIDDEN, description = "`others-comment`", body = ProblemDocument),
        (status = NOT_FOUND, description = "`comment-not-found`", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "`errors` names the fields", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "`too-many-comments`", body = ProblemDocument),
    )
)]
pub async fn edit(
    State(state): State<AppState>,
    user: CurrentUser,
    Path(CommentPath { id, comment_id }): Path<CommentPath>,
    ValidJson(body): ValidJson<CommentBody>,
) -> Result<Json<Comment>, Error> {
    let edit = Edit { text: text::cleaned(&body.text), rating: body.rating };
    Ok(Json(state.comments.edit(id, comment_id, user.id, &edit).await?))
}

/// Take a comment away: one's own, or any as an administrator
#[utoipa::path(
    delete, path = "/api/products/{id}/comments/{comment_id}", operation_id = "delete_comment", tag = "comments",
    params(CommentPath), security(("bearer" = [])),
    responses(
        (status = NO_CONTENT),
        (status = UNAUTHORIZED, body = ProblemDocument),
        (status = FORBIDDEN, description = "`others-comment`", body = ProblemDocument),
        (status = NOT_FOUND, description = "`comment-not-found`", body = ProblemDocument),
    )
)]
pub async fn delete(
    State(state): State<AppState>,
    user: CurrentUser,
    Path(CommentPath { id, comment_id }): Path<CommentPath>,
) -> Result<StatusCode, Error> {
    state.comments.remove(id, comment_id, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say whether another's comment is helpful
#[utoipa::path(
    put, path = "/api/products/{id}/comments/{comment_id}/vote", operation_id = "vote_on_comment", tag = "comments",
    params(CommentPath), request_body = VoteBody, security(("bearer" = [])),
    responses(
        (status = OK, description = "The comment with the vote", body = Comment),
        (status = UNAUTHORIZED, body = ProblemDocument),
        (status = FORBIDDEN, description = "`own-comment`", body = ProblemDocument),
        (status = NOT_FOUND, description = "`comment-not-found`", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "`too-many-comments`", body = ProblemDocument),
    )
)]
pub async fn vote(
    State(state): State<AppState>,
    user: CurrentUser,
    Path(CommentPath { id, comment_id }): Path<CommentPath>,
    Json(VoteBody { value }): Json<VoteBody>,
) -> Result<Json<Comment>, Error> {
    Ok(Json(state.comments.vote(id, comment_id, user.id, value).await?))
}
