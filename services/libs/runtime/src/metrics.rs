//! Metrics that every service has. A service's own live in a struct of its own, registered with the same registry.

use std::sync::LazyLock;
use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

pub use shop_exemplars::{Page, TracedHistogram, TracedHistograms};

use crate::trace::TraceContext;

/// The label of a request that matched no route: the paths of scanners would make a series each.
pub const UNKNOWN_ROUTE: &str = "<unknown>";

/// Seconds, from a hit in memory or an answer of nginx' own to a request that is given up.
pub const LATENCY_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The time of each function that asks the database. It is the process' own and not a registry's, as those functions know of nothing but their
/// connection.
#[expect(clippy::expect_used, reason = "its name and its label are good ones")]
static QUERIES: LazyLock<TracedHistograms> = LazyLock::new(|| {
    let opts = HistogramOpts::new("db_query_duration_seconds", "Time of a query of the database, by its function");
    TracedHistograms::new(opts.buckets(LATENCY_BUCKETS.to_vec()), &["query"]).expect("a histogram")
});

/// The time of the function of this name.
pub(crate) fn query(name: &str) -> TracedHistogram {
    QUERIES.of(&[name])
}

/// A registry with the figures of the process in it.
pub fn registry() -> Registry {
    let registry = Registry::new();
    // What is registered first can't clash with anything.
    if let Err(error) = register_process(&registry) {
        tracing::warn!(%error, "no figures of the process in the metrics");
    }
    registry
}

/// What the process is and what it uses.
fn register_process(registry: &Registry) -> Result<(), prometheus::Error> {
    registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
    let build = IntGaugeVec::new(Opts::new("build_info", "1, with what runs here and where"), &["version", "pod"])?;
    build.with_label_values(&[env!("CARGO_PKG_VERSION"), &crate::telemetry::pod()]).set(1);
    registry.register(Box::new(build))?;
    crate::telemetry::export::register(registry)
}

/// The registry in Prometheus' text format.
pub fn encode(registry: &Registry) -> Result<String, prometheus::Error> {
    TextEncoder::new().encode_to_string(&registry.gather())
}

/// Requests served: how many, how long, how many at the moment.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    duration: TracedHistograms,
    in_flight: IntGauge,
}

impl HttpMetrics {
    /// Registers the metrics of this service's requests.
    pub fn register(registry: &Registry, service: &'static str) -> Result<Self, prometheus::Error> {
        let duration = TracedHistograms::new(
            HistogramOpts::new("http_request_duration_seconds", "Time to answer a request, by route template")
                .const_label("service", service)
                .buckets(LATENCY_BUCKETS.to_vec()),
            &["method", "route", "status"],
        )?;
        let in_flight = IntGauge::with_opts(
            Opts::new("http_requests_in_flight", "Requests being served now").const_label("service", service),
        )?;
        registry.register(Box::new(duration.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        Ok(Self { duration, in_flight })
    }

    /// Counts a request as being served until the guard is dropped, also when its task is cancelled.
    pub(crate) fn enter(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Notes a request that was answered.
    pub(crate) fn observe(&self, labels: [&str; 3], took: Duration, trace: TraceContext) {
        self.duration.observe(&labels, took, Some(trace));
    }
}

/// One request being served.
#[derive(Debug)]
pub(crate) struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The connections of the database pool.
#[derive(Clone, Debug)]
pub struct DbMetrics {
    connections: IntGaugeVec,
    most: IntGauge,
    probe: Histogram,
}

impl DbMetrics {
    /// Registers the metrics of this service's database pool, and those of its queries.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let connections = IntGaugeVec::new(
            Opts::new("db_pool_connections", "Connections of the database pool, by state (idle, used)"),
            &["state"],
        )?;
        let most =
            IntGauge::new("db_pool_connections_max", "Connections that the database pool may have at the same time")?;
        let probe = Histogram::with_opts(
            HistogramOpts::new("db_probe_duration_seconds", "Time of the readiness probe's query on the database")
                .buckets(LATENCY_BUCKETS.to_vec()),
        )?;
        registry.register(Box::new(QUERIES.clone()))?;
        registry.register(Box::new(connections.clone()))?;
        registry.register(Box::new(most.clone()))?;
        registry.register(Box::new(probe.clone()))?;
        Ok(Self { connections, most, probe })
    }

    pub(crate) fn pool(&self, pool: &sqlx::PgPool) {
        let idle = i64::try_from(pool.num_idle()).unwrap_or(i64::MAX);
        self.connections.with_label_values(&["idle"]).set(idle);
        self.connections.with_label_values(&["used"]).set((i64::from(pool.size()) - idle).max(0));
        self.most.set(i64::from(pool.options().get_max_connections()));
    }

    pub(crate) fn probed(&self, took: Duration) {
        self.probe.observe(took.as_secs_f64());
    }
}

/// How a call to a sibling ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked.
    Answered,
    /// It understood and said no.
    Refused,
    /// It is away, too slow or out of order.
    Unavailable,
    /// It answered what was not agreed on.
    Unreadable,
    /// It was not called, since it failed a moment ago.
    BreakerOpen,
    /// It was not called, since the request had no time left.
    NoTime,
}

impl Outcome {
    const fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Unreadable => "unreadable",
            Self::BreakerOpen => "breaker_open",
            Self::NoTime => "no_time",
        }
    }
}

/// The calls to siblings, and whether they are left alone at the moment.
#[derive(Clone, Debug)]
pub struct SiblingMetrics {
    requests: IntCounterVec,
    breaker_open: IntGaugeVec,
}

impl SiblingMetrics {
    /// Registers `sibling_requests_total{sibling,outcome}` and `sibling_breaker_open{sibling}`.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let requests = IntCounterVec::new(
            Opts::new("sibling_requests_total", "Attempts of calls to other services, by how they ended"),
            &["sibling", "outcome"],
        )?;
        let breaker_open = IntGaugeVec::new(
            Opts::new("sibling_breaker_open", "1 while another service is left alone because it failed several times"),
            &["sibling"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(breaker_open.clone()))?;
        Ok(Self { requests, breaker_open })
    }

    pub(crate) fn called(&self, sibling: &str, outcome: Outcome) {
        self.requests.with_label_values(&[sibling, outcome.label()]).inc();
    }

    pub(crate) fn breaker(&self, sibling: &str, open: bool) {
        self.breaker_open.with_label_values(&[sibling]).set(i64::from(open));
    }
}

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgPoolOptions;

    use super::*;

    #[tokio::test]
    async fn a_pool_says_how_many_connections_it_may_have() {
        let registry = Registry::new();
        let metrics = DbMetrics::register(&registry).expect("new");
        let pool = PgPoolOptions::new().max_connections(7).connect_lazy("postgres://localhost/shop").expect("a URL");
        metrics.pool(&pool);
        let text = encode(&registry).expect("text");
        for line in [
            "db_pool_connections_max 7",
            r#"db_pool_connections{state="used"} 0"#,
            r#"db_pool_connections{state="idle"} 0"#,
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in {text}");
        }
    }
}
