//! The document that Prometheus reads rules from.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::alerts::{self, Context};
use crate::service_levels;
use crate::settings::AlertSettings;
use crate::subject::Subject;

/// A file of rules; also what stands in the `spec` of a `PrometheusRule`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleFile {
    /// The groups, each evaluated in order.
    pub groups: Vec<Group>,
}

/// Rules that are evaluated together, one after another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Unique in the file.
    pub name: String,
    /// How often, if not as often as Prometheus does by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// In this order.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Rule {
    /// A query whose answer is kept as a series.
    Recording(Recording),
    /// A query whose answer wakes somebody.
    Alert(Alert),
}

/// A query whose answer is kept as a series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recording {
    /// The name of the series.
    pub record: String,
    /// The query.
    pub expr: String,
    /// What the series is labelled with besides.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// A query whose answer wakes somebody.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    /// Its name, in `CamelCase`.
    #[serde(rename = "alert")]
    pub name: String,
    /// The query; an alert for each series that it gives.
    pub expr: String,
    /// How long the query must give something.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// `severity`, `namespace`, `store`, `service` and the labels of the settings.
    pub labels: BTreeMap<String, String>,
    /// `summary`, `description`, `runbook_url` and `dashboard_url`.
    pub annotations: BTreeMap<String, String>,
    /// How bad it is; also in the labels.
    #[serde(skip)]
    pub severity: Severity,
}

/// How bad an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know, and nothing that anybody has to do; it is told as the others are.
    Info,
    /// To be looked at during the day.
    Warning,
    /// Customers are hurt, or soon will be: to be looked at now.
    Critical,
}

impl Severity {
    /// The value of the label `severity`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl Alert {
    /// The name of its page among the runbooks: `RedisDown` is `redis-down`.
    pub fn runbook(&self) -> String {
        page_of(&self.name)
    }
}

impl RuleFile {
    /// Its alerts. One name may stand for two of them, of different severity.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.groups.iter().flat_map(|group| &group.rules).filter_map(|rule| match rule {
            Rule::Alert(alert) => Some(alert),
            Rule::Recording(_) => None,
        })
    }

    /// The series that it records.
    pub fn recordings(&self) -> impl Iterator<Item = &Recording> {
        self.groups.iter().flat_map(|group| &group.rules).filter_map(|rule| match rule {
            Rule::Recording(recording) => Some(recording),
            Rule::Alert(_) => None,
        })
    }
}

/// `RedisDown` is `redis-down`, and `HighLatencyP99` is `high-latency-p99`.
pub(crate) fn page_of(name: &str) -> String {
    let mut page = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !page.is_empty() {
            page.push('-');
        }
        page.push(letter.to_ascii_lowercase());
    }
    page
}

/// The rules of a shop: recorded service levels, alerts and the Watchdog.
#[must_use]
pub fn rules(subject: &Subject, settings: &AlertSettings) -> RuleFile {
    let context = Context::new(subject, settings);
    let mut groups = service_levels::groups(&context);
    groups.extend(alerts::groups(&context));
    RuleFile { groups }
}

#[cfg(test)]
mod tests {
    use super::page_of;

    #[test]
    fn a_page_is_named_as_its_alert() {
        assert_eq!(page_of("RedisDown"), "redis-down");
        assert_eq!(page_of("HighLatencyP99"), "high-latency-p99");
        assert_eq!(page_of("Watchdog"), "watchdog");
    }
}
