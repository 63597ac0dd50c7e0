//! The gateway's figures.

use prometheus::{HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};
use shop_runtime::metrics::{LATENCY_BUCKETS, TracedHistograms};
use strum::IntoEnumIterator as _;

use crate::line::{Request, Service};
use crate::stub_status::StubStatus;

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
            TracedHistograms::new(HistogramOpts::new(name, help).buckets(LATENCY_BUCKETS.to_vec()), labels)
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
        for histograms in [&metrics.requests, &metrics.upstreams] {
            registry.register(Box::new(histograms.clone()))?;
        }
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
        let trace = Some(request.place);
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
        for (counter, total) in [(&self.accepted, now.accepted), (&self.handled, now.handled)] {
            // nginx begins anew when it is started anew. Only then may whoever looks meanwhile see less than before.
            if total < counter.get() {
                counter.reset();
            }
            counter.inc_by(total.saturating_sub(counter.get()));
        }
    }
}

fn name(service: Service) -> &'static str {
    service.into()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn told(accepted: u64) -> StubStatus {
        StubStatus { accepted, handled: accepted, ..StubStatus::default() }
    }

    #[test]
    fn connections_are_as_many_as_nginx_counts_also_when_it_began_anew() {
        let metrics = Metrics::register(&Registry::new()).expect("a fresh registry");
        for total in [5, 5, 9, 2, 3] {
            metrics.connections(Some(&told(total)));
            assert_eq!((metrics.accepted.get(), metrics.handled.get()), (total, total));
        }
        metrics.connections(None);
        assert_eq!(metrics.accepted.get(), 3, "what was counted was counted");
    }

    #[test]
    fn whoever_looks_meanwhile_never_sees_fewer_connections_than_before() {
        const LAST: u64 = 200_000;
        let metrics = Metrics::register(&Registry::new()).expect("a fresh registry");
        let seen = metrics.accepted.clone();
        let looker = thread::spawn(move || {
            let mut before = 0;
            while before < LAST {
                let now = seen.get();
                assert!(now >= before, "{now} after {before}");
                before = now;
            }
        });
        for total in 1..=LAST {
            metrics.connections(Some(&told(total)));
        }
        looker.join().expect("it never saw fewer");
    }
}
