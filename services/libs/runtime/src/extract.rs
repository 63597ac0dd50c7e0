//! Extractors whose refusals are problem documents in plain words: what is wrong, and with which field.

mod body;
mod strict;
mod words;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use garde::Validate;
use http::StatusCode;
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::value::Error as TextError;
use serde_json::error::Category;

pub use self::body::BodyLimit;
use self::strict::Strict;
use crate::problem::{FieldError, Problem};

/// A JSON body, in or out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json<T>(pub T);

/// A JSON body that also passed the rules of its type (garde).
#[derive(Clone, Copy, Debug)]
pub struct ValidJson<T>(pub T);

/// The variables of the route.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

/// The query string.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

/// A form (`application/x-www-form-urlencoded`).
#[derive(Clone, Copy, Debug)]
pub struct Form<T>(pub T);

/// The bytes of a body, whatever they are; for [`from_json`] where a body need not be there.
#[derive(Clone, Debug)]
pub struct Body(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        body::read(request).await.map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(http::header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

/// Reads JSON as a request's body is read: with nothing before or after it, and strictly.
pub fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(Strict(&mut deserializer)).map_err(|error| {
        let (path, error) = (error.path().clone(), error.into_inner());
        match error.classify() {
            Category::Data => {
                let message = error.to_string();
                let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
                Problem::invalid([words::field_error(&path, message, words::pointer)])
            }
            Category::Syntax | Category::Eof | Category::Io => malformed(json, &error),
        }
    })?;
    deserializer.end().map_err(|error| malformed(json, &error))?;
    Ok(value)
}

fn malformed(json: &[u8], error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let detail = match error.classify() {
        _ if json.is_empty() => "there is no body".to_owned(),
        Category::Eof => "it breaks off".to_owned(),
        _ if error.to_string().starts_with("recursion limit") => "it is nested too deeply".to_owned(),
        _ => format!("line {line}, column {column} can't be read"),
    };
    Problem::new(StatusCode::BAD_REQUEST, "malformed-json", "The body is not JSON").detail(detail)
}

/// Reads what a query string or a form has.
fn from_pairs<T: DeserializeOwned>(text: &[u8]) -> Result<T, FieldError> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text));
    serde_path_to_error::deserialize(Strict(pairs)).map_err(|error: serde_path_to_error::Error<TextError>| {
        words::field_error(error.path(), &error.inner().to_string(), words::parameter)
    })
}

/// The rules that a value broke, as a problem that names the fields.
pub fn invalid(report: &garde::Report) -> Problem {
    Problem::invalid(report.iter().map(|(path, error)| {
        let message = error.to_string();
        let code = match &message {
            message if message.starts_with("length is lower") => "too-short",
            message if message.starts_with("length is greater") => "too-long",
            message if message.starts_with("lower than") => "too-small",
            message if message.starts_with("greater than") => "too-large",
            _ => "invalid",
        };
        FieldError::new(words::pointer_of_rule(&path.to_string()), code, message)
    }))
}

fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

fn is_form(media_type: &str) -> bool {
    media_type == "application/x-www-form-urlencoded"
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        if !body::is(request.headers(), is_json) {
            return Err(body::unsupported("application/json"));
        }
        from_json(&body::read(request).await?).map(Self)
    }
}

impl<S, T> FromRequest<S> for ValidJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context: Default>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(value) = Json::<T>::from_request(request, state).await?;
        value.validate().map_err(|report| invalid(&report))?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    /// A path that does not fit names nothing, so it is answered like anything else that is not there.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) if rejection.status().is_server_error() => Err(Problem::internal(rejection)),
            Err(_) => Err(Problem::nothing_at(&parts.uri)),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        from_pairs(query.as_bytes())
            .map(Self)
            .map_err(|error| Problem::bad_request(format!("{}: {}", error.field, error.detail)).with("errors", [error]))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        if !body::is(request.headers(), is_form) {
            return Err(body::unsupported("application/x-www-form-urlencoded"));
        }
        let body = body::read(request).await?;
        let text = crate::head::is_text(&body).then_some(body);
        let text = text.ok_or_else(|| Problem::bad_request("the form is not text in UTF-8"))?;
        from_pairs(&text).map(Self).map_err(|error| Problem::invalid([error]))
    }
}
