//! Refuses writes when the Lease is not held with time to spare.

use std::{
    future::poll_fn,
    pin::pin,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use http::{Request, Response};
use kube::client::Body;
use tower::{BoxError, Layer, Service};

use super::request::is_write;
use crate::lease::{Term, TermOver, Write};

/// Refuses writes outside of a term.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    term: Term,
}

impl Gate {
    pub(super) fn new(term: Term) -> Self {
        Self { term }
    }
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Gated { inner, term: self.term.clone() }
    }
}

/// A service whose writes are refused outside of a term.
#[derive(Clone, Debug)]
pub(super) struct Gated<S> {
    inner: S,
    term: Term,
}

impl<S, B> Service<Request<Body>> for Gated<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if !is_write(request.method()) {
            return Box::pin(self.inner.call(request));
        }
        let write = match self.term.begin() {
            Ok(write) => write,
            Err(over) => return Box::pin(async move { Err(over.into()) }),
        };
        let answer = within(self.term.clone(), write, self.inner.call(request));
        // A task of its own: a caller that does not wait any longer does not make it doubtful whether the API server does it.
        Box::pin(async move { tokio::spawn(answer).await.unwrap_or_else(|panic| Err(panic.into())) })
    }
}

/// Gives a write up when its term is over, and before anything else happens to it.
async fn within<B>(
    term: Term,
    write: Write,
    answer: impl Future<Output = Result<Response<B>, BoxError>>,
) -> Result<Response<B>, BoxError> {
    let mut answer = pin!(answer);
    // At each step, as a timer may be late: the process may have been stopped, or the machine have slept.
    let in_time =
        poll_fn(
            |context| {
                if term.left().is_zero() { Poll::Ready(Err(TermOver.into())) } else { answer.as_mut().poll(context) }
            },
        );
    match tokio::time::timeout(term.left(), in_time).await {
        Ok(Ok(response)) => {
            write.answered();
            Ok(response)
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Err(TermOver.into()),
    }
}
