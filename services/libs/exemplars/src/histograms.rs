//! Histograms that remember which trace was the last in each of their buckets, so that a graph leads to an example of what it shows.
//!
//! The crate `prometheus` knows nothing of exemplars. What it counts stays as it is; the exemplars are kept beside it, and the two are put together
//! when somebody asks for `OpenMetrics` ([`super::openmetrics`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, SystemTime};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, HistogramVec};

/// The books of all histograms of the process, by which what was gathered finds its exemplars: a registry takes nothing but numbers.
static BOOKS: Mutex<Vec<Weak<Book>>> = Mutex::new(Vec::new());

/// A place in a trace.
pub trait Place {
    /// The trace's id, if somebody will be able to look at it.
    fn collected(&self) -> Option<u128>;
}

/// A histogram by labels, with exemplars.
#[derive(Clone, Debug)]
pub struct TracedHistograms {
    histograms: HistogramVec,
    book: Arc<Book>,
}

/// One of its series, looked up once.
#[derive(Clone, Debug)]
pub struct TracedHistogram {
    histogram: Histogram,
    book: Arc<Book>,
    series: Arc<Series>,
}

/// The exemplars of one histogram.
#[derive(Debug)]
pub(super) struct Book {
    name: String,
    /// The names of the labels by which its series differ.
    labels: &'static [&'static str],
    /// The labels that all of its series have, by which it differs from others of its name.
    common: HashMap<String, String>,
    /// The upper ends of the buckets but the last.
    bounds: Vec<f64>,
    series: RwLock<HashMap<String, Arc<Series>>>,
}

/// The exemplars of one series, one for each bucket.
#[derive(Debug)]
pub(super) struct Series(Box<[Mutex<Option<Exemplar>>]>);

/// One observation, and the trace that it was made in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exemplar {
    pub(super) trace: u128,
    pub(super) value: f64,
    pub(super) at: SystemTime,
}

impl TracedHistograms {
    /// A histogram that is told apart by these labels.
    pub fn new(opts: HistogramOpts, labels: &'static [&'static str]) -> Result<Self, prometheus::Error> {
        let (name, common, bounds) = (opts.fq_name(), opts.common_opts.const_labels.clone(), opts.buckets.clone());
        let histograms = HistogramVec::new(opts, labels)?;
        let book = Arc::new(Book { name, labels, common, bounds, series: RwLock::default() });
        let mut books = BOOKS.lock().unwrap_or_else(PoisonError::into_inner);
        books.retain(|book| book.strong_count() > 0);
        books.push(Arc::downgrade(&book));
        Ok(Self { histograms, book })
    }

    /// The series of these values of the labels.
    pub fn of(&self, values: &[&str]) -> TracedHistogram {
        let histogram = self.histograms.with_label_values(values);
        TracedHistogram { histogram, book: Arc::clone(&self.book), series: self.book.series(values) }
    }

    /// Notes what took so long at this place of a trace, if it has one.
    pub fn observe(&self, values: &[&str], took: Duration, trace: Option<impl Place>) {
        self.histograms.with_label_values(values).observe(took.as_secs_f64());
        if let Some(trace) = trace.and_then(|trace| trace.collected()) {
            self.book.series(values).note(&self.book.bounds, took.as_secs_f64(), trace);
        }
    }
}

impl TracedHistogram {
    /// How often something was noted.
    pub fn count(&self) -> u64 {
        self.histogram.get_sample_count()
    }

    /// Notes what took so long at this place of a trace, if it has one.
    pub fn observe(&self, took: Duration, trace: Option<impl Place>) {
        self.histogram.observe(took.as_secs_f64());
        if let Some(trace) = trace.and_then(|trace| trace.collected()) {
            self.series.note(&self.book.bounds, took.as_secs_f64(), trace);
        }
    }
}

impl Collector for TracedHistograms {
    fn desc(&self) -> Vec<&Desc> {
        self.histograms.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.histograms.collect()
    }
}

impl Book {
    /// Those of the histograms of this name.
    pub(super) fn all_of(name: &str) -> Vec<Arc<Self>> {
        let books = BOOKS.lock().unwrap_or_else(PoisonError::into_inner);
        books.iter().filter_map(Weak::upgrade).filter(|book| book.name == name).collect()
    }

    /// The exemplars of the series that has this value under each label.
    pub(super) fn find<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> Option<Arc<Series>> {
        if self.common.iter().any(|(label, common)| value(label) != Some(common)) {
            return None;
        }
        let values = self.labels.iter().map(|label| value(label)).collect::<Option<Vec<_>>>()?;
        self.series.read().unwrap_or_else(PoisonError::into_inner).get(&key(&values)).cloned()
    }

    fn series(&self, values: &[&str]) -> Arc<Series> {
        let key = key(values);
        if let Some(known) = self.series.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(known);
        }
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(series.entry(key).or_insert_with(|| Arc::new(Series::new(self.bounds.len() + 1))))
    }
}

/// A sign between the values that stands in none of them.
fn key(values: &[&str]) -> String {
    values.join("\u{1f}")
}

impl Series {
    fn new(buckets: usize) -> Self {
        Self((0..buckets).map(|_| Mutex::default()).collect())
    }

    fn note(&self, bounds: &[f64], value: f64, trace: u128) {
        let bucket = bounds.partition_point(|bound| *bound < value);
        if let Some(place) = self.0.get(bucket) {
            let exemplar = Exemplar { trace, value, at: SystemTime::now() };
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(exemplar);
        }
    }

    /// That of the bucket of this number.
    pub(super) fn get(&self, bucket: usize) -> Option<Exemplar> {
        *self.0.get(bucket)?.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A place whose trace is collected, or is not.
    #[derive(Clone, Copy)]
    pub(crate) struct At(pub(crate) Option<u128>);

    impl Place for At {
        fn collected(&self) -> Option<u128> {
            self.0
        }
    }

    #[test]
    fn a_trace_that_nobody_collects_is_no_exemplar() {
        let opts = HistogramOpts::new("uncollected_seconds", "A test").buckets(vec![1.0]);
        let histograms = TracedHistograms::new(opts, &["kind"]).expect("a good name");
        histograms.observe(&["a"], Duration::from_millis(1), Some(At(None)));
        histograms.of(&["a"]).observe(Duration::from_millis(1), None::<At>);
        let book = Book::all_of("uncollected_seconds").pop().expect("it is known");
        let series = book.find(|_| Some("a")).expect("it was asked for");
        assert!(series.get(0).is_none());
        assert_eq!(histograms.of(&["a"]).count(), 2);
    }

    #[test]
    fn an_exemplar_stands_in_the_bucket_of_its_value() {
        let series = Series::new(3);
        for (value, bucket) in [(0.5, 0), (1.0, 0), (1.5, 1), (2.0, 1), (2.5, 2)] {
            series.note(&[1.0, 2.0], value, 7);
            assert_eq!(series.get(bucket).map(|exemplar| exemplar.value.to_bits()), Some(value.to_bits()));
        }
    }
}
