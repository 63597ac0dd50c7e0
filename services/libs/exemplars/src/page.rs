//! The page of metrics, in the format that whoever scrapes it understands best.

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};
use prometheus::proto::MetricFamily;
use prometheus::{Registry, TEXT_FORMAT, TextEncoder};

use crate::openmetrics;

/// A page of metrics.
#[derive(Debug)]
pub struct Page {
    /// Its format.
    pub content_type: HeaderValue,
    /// What is on it.
    pub text: String,
}

impl Page {
    /// The registry as `OpenMetrics`, which has exemplars, if the request prefers that; otherwise in Prometheus' text format.
    pub fn of(registry: &Registry, request: &HeaderMap) -> Result<Self, prometheus::Error> {
        Self::of_families(&registry.gather(), request)
    }

    /// The same of families that are in no registry.
    pub fn of_families(families: &[MetricFamily], request: &HeaderMap) -> Result<Self, prometheus::Error> {
        if wants_openmetrics(request) {
            let content_type = HeaderValue::from_static(openmetrics::CONTENT_TYPE);
            return Ok(Self { content_type, text: openmetrics::write(families) });
        }
        let text = TextEncoder::new().encode_to_string(families)?;
        Ok(Self { content_type: HeaderValue::from_static(TEXT_FORMAT), text })
    }
}

/// Whether it is named, and no less wanted than plain text.
fn wants_openmetrics(request: &HeaderMap) -> bool {
    let wanted = weight(request, "application/openmetrics-text");
    wanted > 0.0 && wanted >= weight(request, "text/plain")
}

/// How much the type is wanted, from 0 to 1. Which of its versions is asked for does not matter: there is one that all understand.
fn weight(request: &HeaderMap, wanted: &str) -> f32 {
    let lines = request.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut best = 0.0_f32;
    for entry in lines.flat_map(|line| line.split(',')) {
        let mut parts = entry.split(';').map(str::trim);
        if parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(wanted)) {
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |text| text.parse().ok());
            best = best.max(quality.unwrap_or(0.0));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus::{HistogramOpts, IntCounter};

    use super::*;
    use crate::histograms::{TracedHistograms, tests::At};

    fn asked(accept: &str) -> bool {
        let headers = [(ACCEPT, HeaderValue::from_str(accept).expect("valid"))].into_iter().collect();
        wants_openmetrics(&headers)
    }

    #[test]
    fn openmetrics_is_for_those_who_ask_for_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                          application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,*/*;q=0.1";
        assert!(asked(prometheus));
        assert!(asked("application/openmetrics-text"));
        for plain in ["*/*", "", "text/plain", "text/plain, application/openmetrics-text; q=0.5"] {
            assert!(!asked(plain), "{plain}");
        }
        assert!(!asked("application/openmetrics-text;q=0"));
        assert!(!asked("application/openmetrics-text;q=much"));
        assert!(!wants_openmetrics(&HeaderMap::new()));
    }

    #[test]
    fn plain_text_is_what_it_was() {
        let registry = Registry::new();
        let counter = IntCounter::new("things_total", "Things").expect("a good name");
        let opts = HistogramOpts::new("thing_duration_seconds", "Time of a thing").buckets(vec![0.5, 1.0]);
        let histogram = TracedHistograms::new(opts, &["kind"]).expect("a good name");
        registry.register(Box::new(counter.clone())).expect("new");
        registry.register(Box::new(histogram.clone())).expect("new");
        counter.inc_by(7);
        histogram.observe(&["good"], Duration::from_millis(750), Some(At(Some(7))));
        let page = Page::of(&registry, &HeaderMap::new()).expect("a page");
        let expected = "# HELP thing_duration_seconds Time of a thing\n\
                        # TYPE thing_duration_seconds histogram\n\
                        thing_duration_seconds_bucket{kind=\"good\",le=\"0.5\"} 0\n\
                        thing_duration_seconds_bucket{kind=\"good\",le=\"1\"} 1\n\
                        thing_duration_seconds_bucket{kind=\"good\",le=\"+Inf\"} 1\n\
                        thing_duration_seconds_sum{kind=\"good\"} 0.75\n\
                        thing_duration_seconds_count{kind=\"good\"} 1\n\
                        # HELP things_total Things\n\
                        # TYPE things_total counter\n\
                        things_total 7\n";
        assert_eq!((page.content_type.as_bytes(), page.text.as_str()), (TEXT_FORMAT.as_bytes(), expected));
    }
}
