//! Counts requests by resource, verb and outcome, and takes their time.

use std::{
    task::{Context, Poll},
    time::Instant,
};

use futures::future::BoxFuture;
use http::{Request, Response};
use kube::client::Body;
use prometheus::IntCounterVec;
use shop_exemplars::TracedHistograms;
use tower::{BoxError, Layer, Service};

use super::request::Described;
use crate::{lease::TermOver, metrics::Metrics, telemetry::Example};

/// Counts requests and takes their time.
#[derive(Clone, Debug)]
pub(super) struct Measure {
    requests: IntCounterVec,
    seconds: TracedHistograms,
}

impl Measure {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self { requests: metrics.api_requests.clone(), seconds: metrics.api_seconds.clone() }
    }

    fn record(&self, described: &Described, began: Instant, outcome: &str, example: Option<Example>) {
        let Described { verb, resource } = described;
        self.requests.with_label_values(&[resource.as_str(), verb, outcome]).inc();
        // How long a watch lasts says nothing.
        if *verb != "watch" {
            self.seconds.observe(&[verb], began.elapsed(), example);
        }
    }
}

impl<S> Layer<S> for Measure {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Measured { inner, measure: self.clone() }
    }
}

/// A service whose requests are counted.
#[derive(Clone, Debug)]
pub(super) struct Measured<S> {
    inner: S,
    measure: Measure,
}

impl<S, B> Service<Request<Body>> for Measured<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
    B: 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (described, measure, began) = (Described::of(&request), self.measure.clone(), Instant::now());
        // Whoever asked is known here only: the answer comes to nobody's place in a trace.
        let example = Example::here();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            let outcome = match &answer {
                Ok(response) => outcome(response.status().as_u16()),
                Err(error) if error.is::<TermOver>() => "not_leading",
                Err(_) => "unreachable",
            };
            measure.record(&described, began, outcome, example);
            answer
        })
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
