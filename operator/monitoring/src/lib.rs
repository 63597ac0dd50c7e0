//! What is looked at, and what wakes somebody: the dashboards, rules and alerts of a shop, made from typed code.
//!
//! Pure: from a [`Subject`] and its [`AlertSettings`] to documents that Grafana and Prometheus read. Nothing of Kubernetes is known here.

mod alerts;
mod dashboards;
mod datasources;
mod grafana;
#[cfg(test)]
mod metrics;
mod promql;
#[cfg(test)]
mod promtool;
#[cfg(test)]
mod query;
mod rules;
mod service_levels;
mod settings;
mod subject;

pub use dashboards::dashboards;
pub use datasources::{Addresses, datasources};
pub use grafana::Dashboard;
pub use rules::{Alert, Group, Recording, Rule, RuleFile, Severity, rules};
pub use settings::{AlertSettings, Windows};
pub use subject::Subject;
