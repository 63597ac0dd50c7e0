//! Problem documents (RFC 9457): the one shape in which the shop says no.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{Chain, request_id};

/// Tells a failure that passes, so that asking again makes sense, from a mistake.
pub trait Outage {
    /// Whether something that is needed is away at the moment.
    fn is_outage(&self) -> bool;
}

/// Where the descriptions of the problem types live; a slug follows.
pub const TYPE_PREFIX: &str = "https://shopkeeper.dev/problems/";

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An answer that is not what the client hoped for. What the client may know is in the document; the cause goes to the log only.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    slug: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Option<Cow<'static, str>>,
    extensions: Map<String, Value>,
    headers: HeaderMap,
    cause: Option<Cause>,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Which: a JSON pointer (`/lines/0/quantity`) into the body, or the name of a parameter.
    pub field: Cow<'static, str>,
    /// What, for programs.
    pub code: Cow<'static, str>,
    /// What, for people.
    pub detail: Cow<'static, str>,
}

impl FieldError {
    /// What is wrong with the field: for programs and for people.
    pub fn new(
        field: impl Into<Cow<'static, str>>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { field: field.into(), code: code.into(), detail: detail.into() }
    }
}

/// Why a request failed, for the log of the request: never for the client.
#[derive(Clone, Debug)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl fmt::Display for Cause {
    /// The whole chain of errors, outermost first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Chain(&*self.0).fmt(f)
    }
}

impl Problem {
    /// A problem of a type (`slug`) that has always this status and title.
    pub fn new(status: StatusCode, slug: impl Into<Cow<'static, str>>, title: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            status,
            slug: slug.into(),
            title: title.into(),
            detail: None,
            extensions: Map::new(),
            headers: HeaderMap::new(),
            cause: None,
        }))
    }

    /// Something broke that the client can't help; the cause is logged.
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side").caused_by(cause)
    }

    /// Something that the service needs is away for now; the client may try again soon.
    pub fn unavailable(slug: impl Into<Cow<'static, str>>, title: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, slug, title).retry_after(Duration::from_secs(1))
    }

    /// The request can't be read.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request can't be understood").detail(detail)
    }

    /// There is no such thing, or not for this client.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing").detail(detail)
    }

    /// There is nothing at this address.
    pub fn nothing_at(address: &Uri) -> Self {
        Self::not_found(format!("nothing is at {}", address.path()))
    }

    /// Values of the request break rules: 422 `invalid-input`, with each field that does in `errors`.
    pub fn invalid(errors: impl IntoIterator<Item = FieldError>) -> Self {
        let errors: Vec<_> = errors.into_iter().collect();
        let detail = errors.iter().map(|error| format!("{}: {}", error.field, error.detail)).collect::<Vec<_>>();
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-input", "The request's values are not valid")
            .detail(detail.join("; "))
            .with("errors", errors)
    }

    /// Says what is wrong with this very request.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds a member of its own to the document. A value that can't be written as JSON is left out.
    #[must_use]
    pub fn with(mut self, member: &'static str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.0.extensions.insert(member.to_owned(), value);
        }
        self
    }

    /// Tells when to try again, in whole seconds and at least one.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        match HeaderValue::from_str(&seconds.to_string()) {
            Ok(value) => self.header(RETRY_AFTER, value),
            Err(_) => self,
        }
    }

    /// Tells how to authenticate.
    #[must_use]
    pub fn authenticate(self, challenge: &'static str) -> Self {
        self.header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    /// Sets a header of the response.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Cause(Arc::new(cause)));
        self
    }

    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The last part of the problem's type.
    pub fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The cause, if one was kept.
    pub fn cause(&self) -> Option<&Cause> {
        self.0.cause.as_ref()
    }

    /// The document as JSON; `instance` is the request that it is about.
    pub fn to_json(&self, instance: Option<&str>) -> Value {
        let mut document = Map::new();
        document.insert("type".to_owned(), json!(format!("{TYPE_PREFIX}{}", self.0.slug)));
        document.insert("title".to_owned(), json!(self.0.title));
        document.insert("status".to_owned(), json!(self.0.status.as_u16()));
        if let Some(detail) = &self.0.detail {
            document.insert("detail".to_owned(), json!(detail));
        }
        if let Some(instance) = instance {
            document.insert("instance".to_owned(), json!(instance));
        }
        for (member, value) in &self.0.extensions {
            document.entry(member.clone()).or_insert_with(|| value.clone());
        }
        Value::Object(document)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.to_json(request_id::current().as_deref()).to_string();
        let mut response = (self.0.status, body).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        response.headers_mut().extend(self.0.headers);
        if let Some(cause) = self.0.cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

/// A problem document as a client reads it.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// What kind of problem, as an address.
    #[serde(rename = "type")]
    #[schema(example = "https://shopkeeper.dev/problems/not-found")]
    pub kind: String,
    /// What kind of problem, in words.
    pub title: String,
    /// The status of the response.
    pub status: u16,
    /// What is wrong with this very request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The id of the request, as it is in the logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// What else this kind of problem tells.
    #[serde(flatten)]
    #[schema(ignore)]
    pub extensions: Map<String, Value>,
}

impl ProblemDocument {
    /// The last part of the type, if it is one of ours.
    pub fn slug(&self) -> Option<&str> {
        self.kind.strip_prefix(TYPE_PREFIX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_of_a_problem_is_not_in_its_document() {
        let problem = Problem::internal(std::io::Error::other("password=secret"));
        assert!(!problem.to_json(Some("r1")).to_string().contains("secret"));
        assert_eq!(problem.cause().map(ToString::to_string).as_deref(), Some("password=secret"));
    }

    #[test]
    fn an_extension_never_hides_a_member_of_the_standard() {
        let document = Problem::not_found("x").with("status", 200).with("lines", [1]).to_json(None);
        assert_eq!(document["status"], 404);
        assert_eq!(document["lines"], json!([1]));
    }

    #[test]
    fn retry_after_is_in_whole_seconds_and_never_zero() {
        for (wait, seconds) in [(0, "1"), (1000, "1"), (1001, "2")] {
            let problem = Problem::unavailable("x", "X").retry_after(Duration::from_millis(wait));
            assert_eq!(problem.0.headers[RETRY_AFTER], seconds);
        }
    }
}
