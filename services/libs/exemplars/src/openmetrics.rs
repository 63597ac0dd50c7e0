//! The metrics as `OpenMetrics` 1.0, which has exemplars. What a metric is called and how much it is are the same as in Prometheus' text format.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::SystemTime;

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use crate::histograms::{Book, Exemplar, Series};

/// How the text is announced.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The end of a counter's name, which is not part of its family's.
const TOTAL: &str = "_total";

/// All families in one text.
pub(super) fn write(families: &[MetricFamily]) -> String {
    let mut text = String::new();
    for family in families {
        write_family(&mut text, family);
    }
    text.push_str("# EOF\n");
    text
}

fn write_family(text: &mut String, family: &MetricFamily) {
    let kind = family.get_field_type();
    let (name, word) = match kind {
        MetricType::COUNTER => match family.name().strip_suffix(TOTAL) {
            Some(name) => (name, "counter"),
            // It could not be called a counter without another name.
            None => (family.name(), "unknown"),
        },
        MetricType::GAUGE => (family.name(), "gauge"),
        MetricType::HISTOGRAM => (family.name(), "histogram"),
        MetricType::SUMMARY => (family.name(), "summary"),
        MetricType::UNTYPED => (family.name(), "unknown"),
    };
    // A `String` takes whatever is written into it.
    let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {word}", escaped(family.help()));
    let books = if kind == MetricType::HISTOGRAM { Book::all_of(name) } else { Vec::new() };
    for metric in family.get_metric() {
        match kind {
            MetricType::COUNTER => sample(text, family.name(), metric, None, metric.get_counter().get_value()),
            MetricType::GAUGE => sample(text, name, metric, None, metric.get_gauge().get_value()),
            MetricType::HISTOGRAM => histogram(text, name, metric, &books),
            MetricType::SUMMARY => summary(text, name, metric),
            // Nothing that can be gathered is of this type.
            MetricType::UNTYPED => {}
        }
    }
}

fn sample(text: &mut String, name: &str, metric: &Metric, more: Option<(&str, &str)>, value: f64) {
    line(text, name, metric, more, &number(value));
    text.push('\n');
}

fn whole(text: &mut String, name: &str, metric: &Metric, count: u64) {
    line(text, name, metric, None, &count.to_string());
    text.push('\n');
}

fn line(text: &mut String, name: &str, metric: &Metric, more: Option<(&str, &str)>, value: &str) {
    text.push_str(name);
    let labels = metric.get_label().iter().map(|pair: &LabelPair| (pair.name(), pair.value()));
    let mut separator = '{';
    for (label, value) in labels.chain(more) {
        let _ = write!(text, "{separator}{label}=\"{}\"", escaped(value));
        separator = ',';
    }
    if separator == ',' {
        text.push('}');
    }
    let _ = write!(text, " {value}");
}

fn histogram(text: &mut String, name: &str, metric: &Metric, books: &[Arc<Book>]) {
    let value_of = |label: &str| metric.get_label().iter().find(|pair| pair.name() == label).map(LabelPair::value);
    let exemplars = books.iter().find_map(|book| book.find(value_of));
    let histogram = metric.get_histogram();
    let (bucket, count) = (format!("{name}_bucket"), histogram.get_sample_count());
    let finite = histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite());
    let buckets = finite.map(|bucket| (number(bucket.upper_bound()), bucket.cumulative_count()));
    for (place, (le, count)) in buckets.chain([("+Inf".to_owned(), count)]).enumerate() {
        line(text, &bucket, metric, Some(("le", &le)), &count.to_string());
        exemplar(text, exemplars.as_deref().and_then(|series: &Series| series.get(place)));
        text.push('\n');
    }
    sample(text, &format!("{name}_sum"), metric, None, histogram.get_sample_sum());
    whole(text, &format!("{name}_count"), metric, count);
}

fn exemplar(text: &mut String, exemplar: Option<Exemplar>) {
    let Some(Exemplar { trace, value, at }) = exemplar else { return };
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let _ = write!(text, " # {{trace_id=\"{trace:032x}\"}} {} {:.3}", number(value), since.as_secs_f64());
}

fn summary(text: &mut String, name: &str, metric: &Metric) {
    let summary = metric.get_summary();
    for quantile in summary.get_quantile() {
        sample(text, name, metric, Some(("quantile", &number(quantile.quantile()))), quantile.value());
    }
    sample(text, &format!("{name}_sum"), metric, None, summary.sample_sum());
    whole(text, &format!("{name}_count"), metric, summary.sample_count());
}

/// A float as the format wants it: one that is whole says so.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        format!("{value:?}")
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use prometheus::{Gauge, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};

    use std::time::Duration;

    use super::*;
    use crate::histograms::{TracedHistograms, tests::At};

    /// Exemplars are found by name and labels in the whole process, so each test has a service of its own.
    fn registry(service: &str) -> (Registry, TracedHistograms) {
        let registry = Registry::new();
        let opts = HistogramOpts::new("told_seconds", "How \"long\"\nit took").buckets(vec![0.005, 1.0]);
        let histograms = TracedHistograms::new(opts.const_label("service", service), &["route"]).expect("a good name");
        registry.register(Box::new(histograms.clone())).expect("new");
        (registry, histograms)
    }

    #[test]
    fn a_bucket_names_the_last_trace_that_fell_into_it_and_no_other_does() {
        let (registry, histograms) = registry("bucket");
        let (first, last) = (0x1234, 0xabcd);
        let note = |route: &str, millis: u64, trace: u128| {
            histograms.observe(&[route], Duration::from_millis(millis), Some(At(Some(trace))));
        };
        note("/a", 500, first);
        note("/a", 750, last);
        note("/b", 3_000, first);
        let text = write(&registry.gather());
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{text}"));
        let begin = format!(
            r#"told_seconds_bucket{{route="/a",service="bucket",le="1.0"}} 2 # {{trace_id="{last:032x}"}} 0.75 "#
        );
        assert!(
            line(&begin).split(' ').next_back().is_some_and(|at| at.parse::<f64>().is_ok_and(|at| at > 1.7e9)),
            "{text}"
        );
        assert_eq!(line(r#"told_seconds_bucket{route="/a",service="bucket",le="0.005"}"#).matches('#').count(), 0);
        assert!(
            line(r#"told_seconds_bucket{route="/b",service="bucket",le="+Inf"}"#).contains(&format!("{first:032x}"))
        );
        assert_eq!(text.matches("trace_id").count(), 2, "{text}");
    }

    #[test]
    fn families_are_written_as_the_format_wants_them() {
        let (registry, histograms) = registry("families");
        histograms.of(&["/a"]);
        let requests = IntCounterVec::new(Opts::new("asked_total", "Questions"), &["by"]).expect("a good name");
        requests.with_label_values(&["a \"b\" \\c"]).inc_by(3);
        let odd = IntCounter::new("counted", "A counter without the ending").expect("a good name");
        let gauge = Gauge::new("level", "A level").expect("a good name");
        gauge.set(f64::NAN);
        for collector in [Box::new(requests) as Box<dyn prometheus::core::Collector>, Box::new(odd), Box::new(gauge)] {
            registry.register(collector).expect("new");
        }
        let expected = r#"# HELP asked Questions
# TYPE asked counter
asked_total{by="a \"b\" \\c"} 3.0
# HELP counted A counter without the ending
# TYPE counted unknown
counted 0.0
# HELP level A level
# TYPE level gauge
level NaN
# HELP told_seconds How \"long\"\nit took
# TYPE told_seconds histogram
told_seconds_bucket{route="/a",service="families",le="0.005"} 0
told_seconds_bucket{route="/a",service="families",le="1.0"} 0
told_seconds_bucket{route="/a",service="families",le="+Inf"} 0
told_seconds_sum{route="/a",service="families"} 0.0
told_seconds_count{route="/a",service="families"} 0
# EOF
"#;
        assert_eq!(write(&registry.gather()), expected);
    }
}
