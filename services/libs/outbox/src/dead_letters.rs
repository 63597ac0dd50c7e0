//! Events that were given up, for those who can do something about it: the same routes in every service.

use axum::extract::{FromRef, State};
use axum::middleware::map_response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shop_auth::{Admin, AuthState};
use shop_runtime::Problem;
use shop_runtime::extract::{Json, Path, Query};
use shop_runtime::layers::no_store;
use shop_runtime::problem::ProblemDocument;
use shop_types::{Cursor, EventId, Page, PageLimit};
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::redacted::redacted;

/// The events of one outbox that were given up.
#[derive(Clone, Debug)]
pub struct DeadLetters(PgPool);

/// An event that was given up.
#[derive(Clone, Debug, Serialize, ToSchema, sqlx::FromRow)]
pub struct DeadLetter {
    /// The event's identity.
    pub event_id: EventId,
    /// What kind of event, and so who should have got it.
    pub topic: String,
    /// What happened; secrets are left out, and long texts are cut.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was given up.
    #[serde(with = "time::serde::rfc3339")]
    pub dead_at: OffsetDateTime,
    /// When it was last sent again by an admin, if ever.
    #[serde(with = "time::serde::rfc3339::option")]
    pub replayed_at: Option<OffsetDateTime>,
    /// How many deliveries were tried.
    pub attempts: i32,
    /// What the last of them ended with.
    pub last_error: Option<String>,
    /// The place in a trace (`traceparent`) of the request that it comes from.
    pub trace_parent: Option<String>,
}

impl DeadLetters {
    /// Those of the outbox in the pool's schema.
    pub const fn new(pool: PgPool) -> Self {
        Self(pool)
    }

    async fn list(&self, after: Option<(OffsetDateTime, EventId)>, limit: PageLimit) -> sqlx::Result<Vec<DeadLetter>> {
        let (before, id) = after.map_or((None, None), |(dead_at, id)| (Some(dead_at), Some(id)));
        let mut letters: Vec<DeadLetter> = sqlx::query_as(
            "SELECT event_id, topic, payload, created_at, dead_at, replayed_at, attempts, last_error,
                    split_part(trace_parent, ' ', 1) AS trace_parent
               FROM outbox
              WHERE dead_at IS NOT NULL AND (dead_at, event_id) < (coalesce($1, 'infinity'), coalesce($2, $3))
              ORDER BY dead_at DESC, event_id DESC
              LIMIT $4",
        )
        .bind(before)
        .bind(id)
        .bind(uuid::Uuid::max())
        .bind(limit.get_plus_one())
        .fetch_all(&self.0)
        .await?;
        for letter in &mut letters {
            letter.payload = redacted(letter.payload.take());
        }
        Ok(letters)
    }

    /// Has the event tried again. Whoever comes second finds it under way, so that it is sent once more and not twice; false if there
    /// is no such event (any more).
    async fn replay(&self, event: EventId) -> sqlx::Result<bool> {
        let revived = sqlx::query(
            "UPDATE outbox SET dead_at = NULL, failures = 0, replayed_at = now(), next_attempt_at = now()
              WHERE event_id = $1 AND dead_at IS NOT NULL",
        )
        .bind(event)
        .execute(&self.0)
        .await?;
        if revived.rows_affected() == 1 {
            return Ok(true);
        }
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM outbox WHERE event_id = $1)")
            .bind(event)
            .fetch_one(&self.0)
            .await
    }

    /// Forgets the event; false if it is not (or no longer) given up.
    async fn delete(&self, event: EventId) -> sqlx::Result<bool> {
        let deleted = sqlx::query("DELETE FROM outbox WHERE event_id = $1 AND dead_at IS NOT NULL")
            .bind(event)
            .execute(&self.0)
            .await?;
        Ok(deleted.rows_affected() == 1)
    }
}

/// The routes, to be nested under the prefix of a service.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    AuthState: FromRef<S>,
    DeadLetters: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(replay))
        .routes(routes!(delete))
        .layer(map_response(no_store))
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    /// How many, 1 to 100.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: PageLimit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Lists the events that were given up, the latest first
#[utoipa::path(get, path = "/admin/dead-letters", operation_id = "list_dead_letters", tag = "admin", params(PageQuery),
    security(("bearer" = [])), responses(
    (status = 200, body = Page<DeadLetter>),
    (status = 400, description = "the limit or the cursor is not one", body = ProblemDocument),
    (status = 401, body = ProblemDocument),
    (status = 403, description = "forbidden: for administrators only", body = ProblemDocument)))]
async fn list(
    _admin: Admin,
    State(letters): State<DeadLetters>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<DeadLetter>>, Problem> {
    let bad_cursor = |error: shop_types::CursorError| Problem::bad_request(error.to_string());
    // In nanoseconds, so that a place in the list reads back as what it was.
    let after = query.cursor.map(|cursor| cursor.decode::<(i128, EventId)>()).transpose().map_err(bad_cursor)?;
    let after = after.map(|(nanos, id)| OffsetDateTime::from_unix_timestamp_nanos(nanos).map(|at| (at, id)));
    let after = after.transpose().map_err(|error| Problem::bad_request(error.to_string()))?;
    let rows = letters.list(after, query.limit).await?;
    let page = Page::from_rows(rows, query.limit, |row| (row.dead_at.unix_timestamp_nanos(), row.event_id));
    Ok(Json(page.map_err(Problem::internal)?))
}

/// Has an event tried again that was given up; asked twice, it is still sent once more
#[utoipa::path(post, path = "/admin/dead-letters/{event_id}/replay", operation_id = "replay_dead_letter", tag = "admin",
    params(("event_id" = uuid::Uuid, Path)), security(("bearer" = [])), responses(
    (status = 202, description = "it is on its way"),
    (status = 401, body = ProblemDocument),
    (status = 403, description = "forbidden: for administrators only", body = ProblemDocument),
    (status = 404, description = "dead-letter-not-found: it has arrived, was deleted, or never was", body = ProblemDocument)))]
async fn replay(
    _admin: Admin,
    State(letters): State<DeadLetters>,
    Path(event): Path<EventId>,
) -> Result<StatusCode, Problem> {
    if letters.replay(event).await? { Ok(StatusCode::ACCEPTED) } else { Err(not_found(event)) }
}

/// Forgets an event that was given up, for good
#[utoipa::path(delete, path = "/admin/dead-letters/{event_id}", operation_id = "delete_dead_letter", tag = "admin",
    params(("event_id" = uuid::Uuid, Path)), security(("bearer" = [])), responses(
    (status = 204, description = "it is gone"),
    (status = 401, body = ProblemDocument),
    (status = 403, description = "forbidden: for administrators only", body = ProblemDocument),
    (status = 404, description = "dead-letter-not-found: it is not given up, or never was", body = ProblemDocument)))]
async fn delete(
    _admin: Admin,
    State(letters): State<DeadLetters>,
    Path(event): Path<EventId>,
) -> Result<StatusCode, Problem> {
    if letters.delete(event).await? { Ok(StatusCode::NO_CONTENT) } else { Err(not_found(event)) }
}

fn not_found(event: EventId) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "dead-letter-not-found", "There is no such dead letter")
        .detail(format!("event {event} is not among those that were given up"))
}
