//! The document that Prometheus reads rules from.

use std::collections::BTreeMap;

use serde::Serialize;

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
    /// How long it stays after that has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_firing_for: Option<String>,
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
    /// Good to know; it tells nobody by itself.
    Info,
    /// To be looked at during the day.
    Warning,
    /// Customers are hurt, or soon will be: to be looked at now.
    Critical,
}

/// The rules of a shop: recorded service levels, alerts and the Watchdog.
#[must_use]
pub fn rules(subject: &Subject, settings: &AlertSettings) -> RuleFile {
    let _ = (subject, settings);
    RuleFile { groups: Vec::new() }
}
