//! The operator's own figures.

mod store_figures;
mod stores;

use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, core::Collector};
use shop_exemplars::{Page, TracedHistogram, TracedHistograms};

use crate::observed::StoreName;
use store_figures::StoreFigures;
use stores::StoresByReady;

pub use store_figures::Sources;

const REQUESTS: &str = "operator_api_requests_total";

/// The operator's own figures.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    described: Arc<Mutex<Vec<Described>>>,
    /// Reconciles by outcome: `ok` or the reason of the error.
    pub reconciles: IntCounterVec,
    /// Seconds that reconciles took.
    pub seconds: TracedHistograms,
    /// Reconciles that run now.
    pub active: IntGauge,
    /// Stores that wait for another try.
    pub in_backoff: IntGauge,
    /// Stores that were touched and not looked at since.
    pub queue_depth: IntGauge,
    /// Seconds from a Store's being touched until it was looked at.
    pub queue_seconds: TracedHistogram,
    /// Requests to the API server, by resource, verb and outcome.
    pub api_requests: IntCounterVec,
    /// Seconds that the API server took to answer, by verb.
    pub api_seconds: TracedHistograms,
    /// Children whose content somebody else had changed or deleted.
    pub drift: IntCounterVec,
    /// Failures of watches by kind.
    pub watch_errors: IntCounterVec,
    /// Watches that had to list everything again, by kind.
    pub watch_restarts: IntCounterVec,
    /// Seconds from the writing of cache policies until every running pod had acknowledged them.
    pub policy_seconds: Histogram,
    /// What pods answered when they were asked for their cache policies, by outcome.
    pub policy_answers: IntCounterVec,
    /// 1 on the replica that works.
    pub leader: IntGauge,
    stores: StoresByReady,
    figures: StoreFigures,
}

/// What a figure is called and means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// What it means.
    pub help: String,
}

const RECONCILE_BUCKETS: [f64; 13] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
const REQUEST_BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];
const POLICY_BUCKETS: [f64; 13] = [0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 90.0];

impl Metrics {
    /// Registers all figures.
    pub fn new() -> prometheus::Result<Self> {
        let new = Registering { registry: Registry::new(), described: Arc::default() };
        let build = new.add(IntGaugeVec::new(
            Opts::new("operator_build_info", "Always 1; the label is the operator's version"),
            &["version"],
        )?)?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        #[cfg(target_os = "linux")]
        new.registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(Self {
            reconciles: new.counter(
                "operator_reconcile_total",
                "Reconciles by outcome: ok, or the reason of the error",
                &["controller", "result"],
            )?,
            seconds: new.histograms(
                "operator_reconcile_duration_seconds",
                "Time that reconciles took",
                &RECONCILE_BUCKETS,
                &["controller"],
            )?,
            active: new.gauge("operator_reconcile_active", "Reconciles that run now")?,
            in_backoff: new.gauge("operator_objects_in_backoff", "Stores that failed and wait for another try")?,
            queue_depth: new.gauge("operator_queue_depth", "Stores that were touched and not looked at since")?,
            queue_seconds: new
                .histograms(
                    "operator_queue_wait_seconds",
                    "Time from a Store's being due, after a burst of changes that touched it, until it was looked at",
                    &RECONCILE_BUCKETS,
                    &[],
                )?
                .of(&[]),
            api_requests: new.counter(
                REQUESTS,
                "Requests to the API server by outcome: ok, conflict, refused (4xx), failed (5xx), unreachable, or `not_leading`, which was not sent",
                &["resource", "verb", "result"],
            )?,
            api_seconds: new.histograms(
                "operator_api_request_duration_seconds",
                "Time until the API server answered, watches left out",
                &REQUEST_BUCKETS,
                &["verb"],
            )?,
            drift: new.counter(
                "operator_drift_corrected_total",
                "Children that somebody else had changed or deleted and that were put right",
                &["kind"],
            )?,
            watch_errors: new.counter("operator_watch_errors_total", "Failures of watches", &["kind"])?,
            watch_restarts: new.counter(
                "operator_watch_restarts_total",
                "Watches that had to list everything again",
                &["kind"],
            )?,
            policy_seconds: new.histogram(
                "operator_cache_policy_seconds",
                "Time from the writing of cache policies until every running pod had acknowledged them",
                &POLICY_BUCKETS,
            )?,
            policy_answers: new.counter(
                "operator_cache_policy_answers_total",
                "Answers of pods that were asked for their cache policies",
                &["outcome"],
            )?,
            leader: new.gauge("operator_leader", "1 on the replica that holds the Lease and works, 0 on one that stands by")?,
            stores: new.add(StoresByReady::new()?)?,
            figures: new.figures(),
            registry: new.registry,
            described: new.described,
        })
    }

    /// All figures in the format that a request prefers: `OpenMetrics` has exemplars, which lead from a time to the trace of what took it. Of
    /// those about single Stores, only the ones about `store` if that is given.
    pub fn page(&self, store: Option<&StoreName>, request: &HeaderMap) -> prometheus::Result<Page> {
        let mut all = self.registry.gather();
        all.extend(self.figures.families(store));
        Page::of_families(&all, request)
    }

    /// What there is, by name, without the figures of the process.
    pub fn described(&self) -> Vec<Described> {
        let mut all = self.described.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.sort();
        all
    }

    /// From now on these Stores are counted and looked at.
    pub fn read_stores(&self, sources: Sources) {
        self.stores.count(sources.stores.clone());
        self.figures.read_from(sources);
    }

    /// How much was written so far, without the Lease's renewals and without what was never sent.
    pub fn total_writes(&self) -> u64 {
        let is_write = |verb: &str| !matches!(verb, "get" | "list" | "watch");
        self.requests(|resource, verb, result| resource != "leases" && is_write(verb) && result != "not_leading")
    }

    /// How many writes were not sent, as this replica did not hold the Lease.
    pub fn refused_writes(&self) -> u64 {
        self.requests(|_, _, result| result == "not_leading")
    }

    fn requests(&self, counts: impl Fn(&str, &str, &str) -> bool) -> u64 {
        let families = self.api_requests.collect();
        let metrics = families.iter().flat_map(prometheus::proto::MetricFamily::get_metric);
        metrics
            .filter(|metric| {
                let label = |name: &str| {
                    metric.get_label().iter().find(|label| label.name() == name).map_or("", |label| label.value())
                };
                counts(label("resource"), label("verb"), label("result"))
            })
            .map(|metric| to_whole(metric.get_counter().get_value()))
            .sum()
    }
}

/// Counters of whole numbers come back as floats.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter of whole numbers")]
fn to_whole(count: f64) -> u64 {
    count as u64
}

/// Registers figures, and remembers what they are.
struct Registering {
    registry: Registry,
    described: Arc<Mutex<Vec<Described>>>,
}

impl Registering {
    fn add<C: Collector + Clone + 'static>(&self, collector: C) -> prometheus::Result<C> {
        let described = collector.desc().into_iter().map(|desc| Described {
            name: desc.fq_name.clone(),
            labels: desc.variable_labels.clone(),
            help: desc.help.clone(),
        });
        self.described.lock().unwrap_or_else(PoisonError::into_inner).extend(described);
        self.registry.register(Box::new(collector.clone()))?;
        Ok(collector)
    }

    /// Figures that are made anew for each answer, and are in no registry.
    fn figures(&self) -> StoreFigures {
        self.described.lock().unwrap_or_else(PoisonError::into_inner).extend(StoreFigures::described());
        StoreFigures::default()
    }

    fn counter(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        self.add(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.add(IntGauge::new(name, help)?)
    }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> prometheus::Result<Histogram> {
        self.add(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?)
    }

    fn histograms(
        &self,
        name: &str,
        help: &str,
        buckets: &[f64],
        labels: &'static [&'static str],
    ) -> prometheus::Result<TracedHistograms> {
        self.add(TracedHistograms::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels)?)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use http::{HeaderValue, header::ACCEPT};

    use super::*;
    use crate::telemetry::Example;

    /// The table in the crate's documentation is made from here; this is the way to make it anew: copy what the test says.
    #[test]
    fn every_figure_is_in_the_table_of_the_readme() {
        let rows = Metrics::new().unwrap().described().into_iter().map(|Described { name, labels, help }| {
            let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
            format!("| `{name}` | {labels} | {help} |")
        });
        let table = rows.collect::<Vec<_>>().join("\n");
        let readme = include_str!("../README.md");
        assert!(readme.contains(&table), "README.md should have this table:\n{table}");
    }

    #[test]
    fn whoever_asks_for_open_metrics_gets_the_same_figures_under_the_same_names() {
        let metrics = Metrics::new().unwrap();
        metrics.api_requests.with_label_values(&["pods", "get", "ok"]).inc();
        metrics.seconds.observe(&["store"], Duration::from_millis(20), None::<Example>);
        let page = |accept: &'static str| {
            let request: HeaderMap = [(ACCEPT, HeaderValue::from_static(accept))].into_iter().collect();
            metrics.page(None, &request).unwrap()
        };
        let samples = |text: &str| -> BTreeSet<String> {
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            let named = lines.filter_map(|line| line.split(['{', ' ']).next());
            named.map(ToOwned::to_owned).collect()
        };
        let (plain, open) = (page("text/plain"), page("application/openmetrics-text;version=1.0.0"));
        assert_eq!(plain.content_type, "text/plain; version=0.0.4");
        assert_eq!(open.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        assert!(open.text.ends_with("# EOF\n"), "{}", open.text);
        assert_eq!(samples(&open.text), samples(&plain.text));
        assert!(samples(&open.text).contains("operator_queue_wait_seconds_bucket"), "{}", open.text);
    }

    #[test]
    fn writes_are_told_from_reads_and_from_what_was_not_sent() {
        let metrics = Metrics::new().unwrap();
        for (resource, verb, result) in [
            ("secrets", "get", "ok"),
            ("secrets", "create", "ok"),
            ("pods", "patch", "conflict"),
            ("pods", "patch", "not_leading"),
            ("leases", "update", "ok"),
        ] {
            metrics.api_requests.with_label_values(&[resource, verb, result]).inc();
        }
        assert_eq!((metrics.total_writes(), metrics.refused_writes()), (2, 1));
    }
}
