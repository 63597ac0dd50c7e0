//! The histogram, to which many answers can be added at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Bucket, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Opts, Registry};

use super::Observe;

/// Upper bounds, in milliseconds: fresh, then up to an hour.
const BOUNDS: [u64; 14] = [0, 1, 2, 5, 10, 20, 50, 100, 500, 1_000, 5_000, 30_000, 300_000, 3_600_000];

/// `cache_staleness_seconds` of one cache. Prometheus' own histogram takes one observation at a time, and a busy key settles thousands.
#[derive(Clone, Debug)]
pub(crate) struct StalenessHistogram(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    desc: Desc,
    cache: &'static str,
    /// Not cumulated; the last one is of what is above all bounds.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl StalenessHistogram {
    /// The histogram of this cache, registered.
    pub(crate) fn register(cache: &'static str, registry: &Registry) -> Result<Self, prometheus::Error> {
        let opts = Opts::new(
            "cache_staleness_seconds",
            "How far answers from the memory of this pod were behind the newest version, of a sample of keys.",
        )
        .const_label("cache", cache);
        let desc = Desc::new(opts.fq_name(), opts.help, Vec::new(), opts.const_labels)?;
        let histogram = Self(Arc::new(Counts {
            desc,
            cache,
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            micros: AtomicU64::new(0),
        }));
        registry.register(Box::new(histogram.clone()))?;
        Ok(histogram)
    }
}

impl Observe for StalenessHistogram {
    fn observe(&self, behind: Duration, answers: u64) {
        let bucket = BOUNDS.partition_point(|bound| Duration::from_millis(*bound) < behind);
        self.0.buckets[bucket].fetch_add(answers, Ordering::Relaxed);
        let micros = u64::try_from(behind.as_micros()).unwrap_or(u64::MAX).saturating_mul(answers);
        self.0.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Collector for StalenessHistogram {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.0.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut cumulated = 0;
        let mut buckets = Vec::with_capacity(BOUNDS.len());
        for (bound, count) in BOUNDS.iter().zip(&self.0.buckets) {
            cumulated += count.load(Ordering::Relaxed);
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(Duration::from_millis(*bound).as_secs_f64());
            bucket.set_cumulative_count(cumulated);
            buckets.push(bucket);
        }
        let above = self.0.buckets[BOUNDS.len()].load(Ordering::Relaxed);
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(cumulated + above);
        histogram.set_sample_sum(Duration::from_micros(self.0.micros.load(Ordering::Relaxed)).as_secs_f64());

        let mut label = LabelPair::default();
        label.set_name("cache".to_owned());
        label.set_value(self.0.cache.to_owned());
        let mut metric = Metric::from_label(vec![label]);
        metric.set_histogram(histogram);
        let mut family = MetricFamily::default();
        family.set_name(self.0.desc.fq_name.clone());
        family.set_help(self.0.desc.help.clone());
        family.set_field_type(MetricType::HISTOGRAM);
        family.set_metric(vec![metric]);
        vec![family]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cache_has_a_line_in_the_same_histogram_and_answers_count_as_many_as_they_are() {
        let registry = Registry::new();
        let products = StalenessHistogram::register("products", &registry).expect("it is new");
        let cart = StalenessHistogram::register("cart", &registry).expect("it is another");
        StalenessHistogram::register("cart", &registry).expect_err("each once");
        products.observe(Duration::ZERO, 1_000);
        products.observe(Duration::from_micros(1_500), 7);
        cart.observe(Duration::from_secs(7_200), 1);

        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).expect("it is text");
        for line in [
            r#"cache_staleness_seconds_bucket{cache="products",le="0"} 1000"#,
            r#"cache_staleness_seconds_bucket{cache="products",le="0.001"} 1000"#,
            r#"cache_staleness_seconds_bucket{cache="products",le="0.002"} 1007"#,
            r#"cache_staleness_seconds_bucket{cache="products",le="+Inf"} 1007"#,
            r#"cache_staleness_seconds_sum{cache="products"} 0.0105"#,
            r#"cache_staleness_seconds_bucket{cache="cart",le="3600"} 0"#,
            r#"cache_staleness_seconds_count{cache="cart"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        assert_eq!(text.matches("# TYPE cache_staleness_seconds histogram").count(), 1);
    }
}
