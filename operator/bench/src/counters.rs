//! Counters in Prometheus' text format, of the API server and of the operator.

use std::collections::BTreeMap;

/// A line of a metric: its labels and its value.
#[derive(Clone, Debug)]
pub(crate) struct Sample<'a> {
    labels: &'a str,
    pub(crate) value: f64,
}

impl<'a> Sample<'a> {
    /// The value of a label, empty if there is none.
    pub(crate) fn label(&self, name: &str) -> &'a str {
        let found = self.labels.split("\",").find_map(|label| label.split_once("=\"").filter(|(key, _)| *key == name));
        found.map_or("", |(_, value)| value.trim_end_matches('"'))
    }
}

/// All lines of a metric.
pub(crate) fn samples<'a>(text: &'a str, metric: &'a str) -> impl Iterator<Item = Sample<'a>> + 'a {
    text.lines().filter_map(move |line| {
        let rest = line.strip_prefix(metric)?;
        let (labels, value) = match rest.strip_prefix('{') {
            Some(rest) => rest.rsplit_once("} ")?,
            None => ("", rest.strip_prefix(' ')?),
        };
        Some(Sample { labels, value: value.trim().parse().ok()? })
    })
}

/// Writes by resource and verb, as the API server counted them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Writes(BTreeMap<String, u64>);

impl Writes {
    /// Reads them from the API server's metrics. Left out are what kwok plays, the Lease, and what only this program writes.
    pub(crate) fn read(metrics: &str) -> Self {
        let mut writes = BTreeMap::new();
        for sample in samples(metrics, "apiserver_request_total") {
            let (verb, resource, subresource) =
                (sample.label("verb"), sample.label("resource"), sample.label("subresource"));
            let is_write = matches!(verb, "APPLY" | "PATCH" | "POST" | "PUT" | "DELETE" | "DELETECOLLECTION");
            let is_played = subresource == "status" && resource != "stores";
            if is_write && !is_played && !matches!(resource, "leases" | "namespaces") {
                let slash = if subresource.is_empty() { "" } else { "/" };
                *writes.entry(format!("{verb} {resource}{slash}{subresource}")).or_default() += whole(sample.value);
            }
        }
        Self(writes)
    }

    /// What was written since an earlier reading.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let each = self.0.iter().map(|(what, count)| (what.clone(), count - before.0.get(what).unwrap_or(&0)));
        Self(each.filter(|(_, count)| *count > 0).collect())
    }

    /// The same without what this program did itself, and without events, which tell people and change nothing.
    pub(crate) fn without(&self, ours: &str) -> Self {
        let theirs = self.0.iter().filter(|(what, _)| *what != ours && !what.ends_with(" events"));
        Self(theirs.map(|(what, count)| (what.clone(), *count)).collect())
    }

    /// Events that were recorded.
    pub(crate) fn events(&self) -> u64 {
        self.0.iter().filter(|(what, _)| what.ends_with(" events")).map(|(_, count)| count).sum()
    }

    /// How many in all.
    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

impl std::fmt::Display for Writes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let each: Vec<String> = self.0.iter().map(|(what, count)| format!("{count} × {what}")).collect();
        f.write_str(&each.join(", "))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter of whole numbers")]
fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
# HELP apiserver_request_total Counter
apiserver_request_total{code="200",resource="deployments",subresource="",verb="APPLY"} 7
apiserver_request_total{code="409",resource="deployments",subresource="",verb="APPLY"} 1
apiserver_request_total{code="200",resource="deployments",subresource="status",verb="PATCH"} 9
apiserver_request_total{code="200",resource="stores",subresource="status",verb="APPLY"} 3
apiserver_request_total{code="200",resource="stores",subresource="",verb="PATCH"} 1
apiserver_request_total{code="201",resource="events",subresource="",verb="POST"} 2
apiserver_request_total{code="200",resource="leases",subresource="",verb="PUT"} 50
apiserver_request_total{code="200",resource="secrets",subresource="",verb="GET"} 5
apiserver_request_total_sum 5
up 1
"#;

    #[test]
    fn writes_are_counted_without_what_others_wrote() {
        let writes = Writes::read(TEXT);
        assert_eq!(writes.total(), 14);
        let theirs = writes.without("PATCH stores");
        assert_eq!((theirs.total(), writes.events()), (11, 2));
        assert_eq!(theirs.to_string(), "8 × APPLY deployments, 3 × APPLY stores/status");
        assert_eq!(writes.since(&writes).total(), 0);
    }

    #[test]
    fn a_metric_without_labels_is_read_too() {
        let up: f64 = samples(TEXT, "up").map(|sample| sample.value).sum();
        assert!((up - 1.0).abs() < 1e-9);
    }
}
