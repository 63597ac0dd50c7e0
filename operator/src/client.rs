//! The client for the API server: named, bounded, and every write of it counted.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use http::{HeaderName, HeaderValue, Method, Request, Response, header::USER_AGENT};
use kube::{
    Client, Config,
    client::{Body, ClientBuilder},
};
use prometheus::IntCounterVec;
use tower::{Layer, Service, timeout::TimeoutLayer};

use crate::metrics::Metrics;

/// How the operator calls itself in the API server's audit log.
pub const USER_AGENT_NAME: &str = concat!("shopkeeper-operator/", env!("CARGO_PKG_VERSION"));

/// The API server begins to answer within this time, also a watch; its own limit for a request is a minute. Without it, a list that
/// nobody answers would be waited for without end, and with it every reconcile.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(75);

/// A client whose writes are counted.
///
/// It does not try again by itself: a reconcile that failed is tried again with a backoff of its own, and one that
/// waited inside the client would hold its place among the few that run at the same time.
pub fn client(mut config: Config, metrics: &Metrics) -> kube::Result<Client> {
    config.default_retry = false;
    let name: (HeaderName, HeaderValue) = (USER_AGENT, HeaderValue::from_static(USER_AGENT_NAME));
    config.headers.push(name);
    let patient = ClientBuilder::try_from(config)?.with_layer(&TimeoutLayer::new(ANSWER_WITHIN));
    Ok(patient.with_layer(&CountWrites { writes: metrics.writes.clone() }).build())
}

/// Counts writes by resource, verb and outcome.
#[derive(Clone, Debug)]
struct CountWrites {
    writes: IntCounterVec,
}

impl<S> Layer<S> for CountWrites {
    type Service = CountingService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CountingService { inner, writes: self.writes.clone() }
    }
}

/// A service that counts writes.
#[derive(Clone, Debug)]
pub struct CountingService<S> {
    inner: S,
    writes: IntCounterVec,
}

impl<S, B> Service<Request<Body>> for CountingService<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Send,
    B: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let verb = verb(request.method());
        let resource = resource(request.uri().path());
        let answer = self.inner.call(request);
        let writes = self.writes.clone();
        Box::pin(async move {
            let answer = answer.await;
            if let Some(verb) = verb {
                let result = answer.as_ref().map_or("unreachable", |response| outcome(response.status().as_u16()));
                writes.with_label_values(&[resource.as_str(), verb, result]).inc();
            }
            answer
        })
    }
}

fn verb(method: &Method) -> Option<&'static str> {
    match *method {
        Method::POST => Some("create"),
        Method::PUT => Some("update"),
        Method::PATCH => Some("patch"),
        Method::DELETE => Some("delete"),
        _ => None,
    }
}

const fn outcome(status: u16) -> &'static str {
    match status {
        0..400 => "ok",
        409 => "conflict",
        400..500 => "refused",
        _ => "failed",
    }
}

/// The resource in a path such as `/apis/apps/v1/namespaces/shop/deployments/demo-cart/status`, with its subresource.
fn resource(path: &str) -> String {
    let mut parts = path.trim_matches('/').split('/');
    // The core group is at /api/v1, all others at /apis/<group>/<version>.
    let skip = if parts.next() == Some("apis") { 2 } else { 1 };
    let rest: Vec<&str> = parts.skip(skip).collect();
    let rest = if rest.first() == Some(&"namespaces") && rest.len() > 2 { &rest[2..] } else { &rest[..] };
    match rest {
        [resource, _, subresource] => format!("{resource}/{subresource}"),
        [resource, ..] => (*resource).to_owned(),
        [] => "other".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_is_read_from_the_path_without_names() {
        for (path, expected) in [
            ("/apis/apps/v1/namespaces/shop/deployments/demo-cart", "deployments"),
            ("/api/v1/namespaces/shop/secrets", "secrets"),
            ("/apis/shopkeeper.dev/v1alpha1/namespaces/shop/stores/demo/status", "stores/status"),
            ("/api/v1/namespaces/shop", "namespaces"),
            ("/apis/coordination.k8s.io/v1/namespaces/s/leases/operator", "leases"),
        ] {
            assert_eq!(resource(path), expected);
        }
    }
}
