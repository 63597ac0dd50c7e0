//! An API server for tests: from what is asked for to an answer.

use std::convert::Infallible;

use http::{Request, Response};
use kube::{Client, client::Body};
use tower::service_fn;

use super::Shops;

impl Shops {
    /// Those of an API server that answers in this way: a code and a body.
    pub(crate) fn answered_by(answer: fn(&Request<Body>) -> (u16, String)) -> Self {
        let server = service_fn(move |request: Request<Body>| async move {
            let (status, body) = answer(&request);
            let answer = Response::builder().status(status).body(Body::from(body.into_bytes())).unwrap();
            Ok::<_, Infallible>(answer)
        });
        Self::new(Client::new(server, "shop"), "shop".into())
    }
}
