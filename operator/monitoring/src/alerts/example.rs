//! What must and what must not wake somebody: series and what comes of them, for `promtool test rules`.

use crate::rules::Severity;

/// Series, and which alerts of one name they give at a moment.
#[derive(Clone, Debug)]
pub(super) struct Example {
    pub(super) alert: &'static str,
    pub(super) series: Vec<(String, String)>,
    pub(super) at: &'static str,
    pub(super) expected: Vec<Expected>,
}

/// An alert that is to fire.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) severity: Severity,
    /// Besides `severity`, `namespace` and `store`.
    pub(super) labels: Vec<(&'static str, &'static str)>,
    pub(super) description: &'static str,
}

impl Example {
    /// Whether this alert fires at that moment is to be seen.
    pub(super) const fn of(alert: &'static str, at: &'static str) -> Self {
        Self { alert, series: Vec::new(), at, expected: Vec::new() }
    }

    /// A series of a job, with more labels as `x="y"`, and its values every 30 s in promtool's notation.
    pub(super) fn with(mut self, job: &str, name: &str, labels: &str, values: &str) -> Self {
        let more = if labels.is_empty() { String::new() } else { format!(",{labels}") };
        let series = format!(r#"{name}{{namespace="shop",store="demo",job="{job}"{more}}}"#);
        self.series.push((series, values.to_owned()));
        self
    }

    /// It fires, with these labels and this text.
    pub(super) fn fires(
        mut self,
        severity: Severity,
        labels: impl Into<Vec<(&'static str, &'static str)>>,
        description: &'static str,
    ) -> Self {
        self.expected.push(Expected { severity, labels: labels.into(), description });
        self
    }
}
