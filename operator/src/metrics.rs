//! The operator's own figures.

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
    core::Collector,
};

/// The operator's own figures.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// Reconciles by outcome: `ok` or the reason of the error.
    pub reconciles: IntCounterVec,
    /// Seconds that reconciles took.
    pub seconds: HistogramVec,
    /// Reconciles that run now.
    pub active: IntGauge,
    /// Stores that wait for another try.
    pub in_backoff: IntGauge,
    /// Everything that was written to the API server, by resource, verb and status.
    pub writes: IntCounterVec,
    /// Children whose content somebody else had changed or deleted.
    pub drift: IntCounterVec,
    /// Failures of watches by kind.
    pub watch_errors: IntCounterVec,
    /// Seconds from the writing of cache policies until every running pod had acknowledged them.
    pub policy_seconds: Histogram,
    /// What pods answered when they were asked for their cache policies, by outcome.
    pub policy_answers: IntCounterVec,
    /// 1 on the replica that works.
    pub leader: IntGauge,
}

impl Metrics {
    /// Registers all figures.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let seconds = HistogramOpts::new("operator_reconcile_duration_seconds", "Time that reconciles took")
            .buckets(vec![0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0]);
        let policy_seconds = HistogramOpts::new(
            "operator_cache_policy_seconds",
            "Time from the writing of cache policies until every running pod had acknowledged them",
        )
        .buckets(vec![0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 90.0]);
        let counter =
            |name, help, labels: &[&str]| register(&registry, IntCounterVec::new(Opts::new(name, help), labels)?);
        let gauge = |name, help| register(&registry, IntGauge::new(name, help)?);
        let build = register(
            &registry,
            IntGaugeVec::new(Opts::new("operator_build_info", "Version of the operator"), &["version"])?,
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(Self {
            reconciles: counter("operator_reconcile_total", "Reconciles by outcome", &["controller", "result"])?,
            seconds: register(&registry, HistogramVec::new(seconds, &["controller"])?)?,
            active: gauge("operator_reconcile_active", "Reconciles that run now")?,
            in_backoff: gauge("operator_objects_in_backoff", "Stores that wait for another try")?,
            writes: counter("operator_api_writes_total", "Writes to the API server", &["kind", "verb", "result"])?,
            drift: counter(
                "operator_drift_corrected_total",
                "Children that somebody else had changed or deleted",
                &["kind"],
            )?,
            watch_errors: counter("operator_watch_errors_total", "Failures of watches", &["kind"])?,
            policy_seconds: register(&registry, Histogram::with_opts(policy_seconds)?)?,
            policy_answers: counter(
                "operator_cache_policy_answers_total",
                "Answers of pods that were asked for their cache policies",
                &["outcome"],
            )?,
            leader: gauge("operator_leader", "1 on the replica that works")?,
            registry,
        })
    }

    /// All figures in Prometheus' text format.
    pub fn render(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// How much was written so far, without the Lease's renewals.
    pub fn total_writes(&self) -> u64 {
        self.registry
            .gather()
            .iter()
            .filter(|family| family.name() == "operator_api_writes_total")
            .flat_map(prometheus::proto::MetricFamily::get_metric)
            .filter(|metric| metric.get_label().iter().all(|label| label.value() != "leases"))
            .map(|metric| metric.get_counter().get_value())
            .fold(0, |total, count| total + to_whole(count))
    }
}

/// Counters of whole numbers come back as floats.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter of whole numbers")]
fn to_whole(count: f64) -> u64 {
    count as u64
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> prometheus::Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}
