//! The gateway's figures.

use prometheus::{HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};
use shop_runtime::metrics::TracedHistograms;
use strum::IntoEnumIterator as _;

use crate::line::{Request, Service};
use crate::stub_status::StubStatus;

/// Seconds, from an answer of nginx' own to a request that is given up.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What is counted.
#[derive(Clone, Debug)]
pub struct Metrics {
    requests: TracedHistograms,
    upstreams: TracedHistograms,
    failures: IntCounterVec,
    connections: IntGaugeVec,
    accepted: IntCounter,
    handled: IntCounter,
    dropped: IntCounter,
}

impl Metrics {
    /// Registers all of it.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let histogram = |name, help, labels| {
            TracedHistograms::new(HistogramOpts::new(name, help).buckets(BUCKETS.to_vec()), labels)
        };
        let metrics = Self {
            requests: histogram(
                "gateway_request_duration_seconds",
                "Time from a request's first byte to the last one of its answer, by who it was for",
                &["service", "method", "status"],
            )?,
            upstreams: histogram(
                "gateway_upstream_duration_seconds",
                "Time that services and tools took for a request, all attempts together",
                &["service"],
            )?,
            failures: IntCounterVec::new(
                Opts::new("gateway_upstream_failures_total", "Attempts at services and tools that got no answer"),
                &["service"],
            )?,
            connections: IntGaugeVec::new(
                Opts::new("gateway_connections", "Connections of clients, by state (active is all of them)"),
                &["state"],
            )?,
            accepted: IntCounter::new("gateway_connections_accepted_total", "Connections taken since nginx started")?,
            handled: IntCounter::new(
                "gateway_connections_handled_total",
                "Connections served since nginx started; fewer than were taken when there was no room for some",
            )?,
            dropped: IntCounter::new(
                "gateway_log_lines_dropped_total",
                "Requests that are in no other figure, since their log line was lost or said nothing",
            )?,
        };
        // So that a rate is known from the first failure on.
        for service in Service::iter() {
            metrics.failures.with_label_values(&[name(service)]);
        }
        metrics.requests.register(registry)?;
        metrics.upstreams.register(registry)?;
        registry.register(Box::new(metrics.failures.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        for counter in [&metrics.accepted, &metrics.handled, &metrics.dropped] {
            registry.register(Box::new(counter.clone()))?;
        }
        Ok(metrics)
    }

    /// Notes a request.
    pub fn served(&self, request: &Request) {
        let service = name(request.service);
        let trace = request.trace.context();
        let status = format!("{:03}", request.status);
        self.requests.observe(&[service, request.method.into(), &status], request.waited(), trace);
        if let Some(took) = request.upstream.took {
            self.upstreams.observe(&[service], took.min(request.waited()), trace);
        }
        if request.upstream.failures > 0 {
            self.failures.with_label_values(&[service]).inc_by(request.upstream.failures);
        }
    }

    /// Notes lines that are lost.
    pub fn dropped(&self, lines: u64) {
        self.dropped.inc_by(lines);
    }

    /// Notes what nginx says of its connections; nothing, if it does not say it.
    pub fn connections(&self, told: Option<&StubStatus>) {
        let Some(now) = told else {
            self.connections.reset();
            return;
        };
        for (state, connections) in
            [("active", now.active), ("reading", now.reading), ("writing", now.writing), ("waiting", now.waiting)]
        {
            self.connections.with_label_values(&[state]).set(connections);
        }
        // nginx counts, and begins anew when it is started anew.
        for (counter, total) in [(&self.accepted, now.accepted), (&self.handled, now.handled)] {
            counter.reset();
            counter.inc_by(total);
        }
    }
}

fn name(service: Service) -> &'static str {
    service.into()
}
