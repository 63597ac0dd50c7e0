//! A way to the API server on which calls go wrong.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode, header::RETRY_AFTER};
use http_body_util::{BodyExt, Full};
use kube::client::{Body, DynBody};
use serde_json::json;
use tower::{BoxError, Layer, Service};

type Answer = Response<Box<DynBody>>;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// The API server says 409.
    Conflict,
    /// It says 429, and when to come again.
    TooManyRequests,
    /// It says 500.
    InternalError,
    /// It says 410, as to one who comes with a version that is not kept any more.
    Gone,
    /// It never says anything.
    NoAnswer,
    /// The connection breaks before the request has arrived.
    RequestLost,
    /// The connection breaks after the request was carried out.
    AnswerLost,
}

type Rule = dyn Fn(&Request<Body>) -> Option<Mishap> + Send + Sync;

/// Says of each call what becomes of it; nothing does if it says nothing.
#[derive(Clone)]
pub struct Mishaps(Arc<Rule>);

impl Mishaps {
    pub fn new(rule: impl Fn(&Request<Body>) -> Option<Mishap> + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }
}

impl<S> Layer<S> for Mishaps {
    type Service = Mishapped<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Mishapped { inner, mishaps: self.clone() }
    }
}

pub struct Mishapped<S> {
    inner: S,
    mishaps: Mishaps,
}

impl<S> Service<Request<Body>> for Mishapped<S>
where
    S: Service<Request<Body>, Response = Answer, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Answer, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let refused = |status, reason| -> Self::Future { Box::pin(async move { Ok(refusal(status, reason)) }) };
        match (self.mishaps.0)(&request) {
            None => Box::pin(self.inner.call(request)),
            Some(Mishap::AnswerLost) => {
                let answer = self.inner.call(request);
                Box::pin(async {
                    answer.await?;
                    Err("the connection broke before the answer".into())
                })
            }
            Some(Mishap::RequestLost) => Box::pin(async { Err("the connection broke".into()) }),
            Some(Mishap::NoAnswer) => Box::pin(std::future::pending()),
            Some(Mishap::Conflict) => refused(StatusCode::CONFLICT, "Conflict"),
            Some(Mishap::Gone) => refused(StatusCode::GONE, "Expired"),
            Some(Mishap::TooManyRequests) => refused(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests"),
            Some(Mishap::InternalError) => refused(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        }
    }
}

/// What the API server answers when it refuses.
fn refusal(status: StatusCode, reason: &str) -> Answer {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "reason": reason, "code": status.as_u16(), "message": "a test has it so",
    });
    let body = Full::from(body.to_string()).map_err(|never| match never {});
    let mut response: Answer = Response::new(Box::new(body));
    *response.status_mut() = status;
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, http::HeaderValue::from_static("1"));
    }
    response
}
