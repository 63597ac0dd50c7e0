//! Reads the rest of a body that nobody wanted.
//!
//! Who refuses a request before its body was read closes the connection, and a client (nginx, for one) that is still sending sees
//! the connection reset and never the answer. So the rest is read first, if it is not absurdly long and comes soon.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::header::EXPECT;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};

/// The most that is read for nothing: the largest body that the gateway lets through.
const MOST: usize = 1024 * 1024;

/// How long the rest may take to come. The gateway has it all before it begins to send.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers only when the body was read.
pub(crate) async fn drain(request: Request, next: Next) -> Response {
    // A client that waits to be asked for its body has not sent it.
    if request.body().is_end_stream() || request.headers().contains_key(EXPECT) {
        return next.run(request).await;
    }
    let left = Left::default();
    let request = request.map(|body| Body::new(Borrowed { body: Some(body), left: left.clone() }));
    let response = next.run(request).await;
    if let Some(body) = left.take() {
        // In vain, if it takes too long or is too much: then the connection is closed.
        let _ = tokio::time::timeout(PATIENCE, discard(body)).await;
    }
    response
}

async fn discard(mut body: Body) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MOST {
            return;
        }
    }
}

/// A body that was dropped before its end.
#[derive(Clone, Default)]
struct Left(Arc<Mutex<Option<Body>>>);

impl Left {
    fn put(&self, body: Body) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }

    fn take(&self) -> Option<Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A body that gives itself back.
struct Borrowed {
    body: Option<Body>,
    left: Left,
}

impl HttpBody for Borrowed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = self.body.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(body) = self.body.take()
            && !body.is_end_stream()
        {
            self.left.put(body);
        }
    }
}
