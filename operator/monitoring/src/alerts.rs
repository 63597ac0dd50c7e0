//! The alerts, a file for each part of the shop that they are about.

mod cache;
mod draft;
#[cfg(test)]
mod example;
mod gateway;
mod jaeger;
mod monitoring;
mod operator;
mod orders;
mod pods;
mod postgres;
mod redis;
mod requests;
mod service_levels;
mod services;
mod upkeep;
mod watchdog;

pub(crate) use draft::Context;

use crate::rules::{Alert, Group, Rule};

/// The alerts of a part, in the order in which they are read.
type Part = (&'static str, fn(&Context<'_>) -> Vec<Alert>);

const PARTS: [Part; 14] = [
    ("watchdog", watchdog::alerts),
    ("service-levels", service_levels::alerts),
    ("requests", requests::alerts),
    ("gateway", gateway::alerts),
    ("pods", pods::alerts),
    ("services", services::alerts),
    ("orders", orders::alerts),
    ("cache", cache::alerts),
    ("redis", redis::alerts),
    ("postgres", postgres::alerts),
    ("operator", operator::alerts),
    ("upkeep", upkeep::alerts),
    ("monitoring", monitoring::alerts),
    ("jaeger", jaeger::alerts),
];

/// All alerts, in groups.
pub(crate) fn groups(context: &Context<'_>) -> Vec<Group> {
    let group = |(name, alerts): &Part| Group {
        name: format!("alerts-{name}"),
        interval: None,
        rules: alerts(context).into_iter().map(Rule::Alert).collect(),
    };
    PARTS.iter().map(group).collect()
}

#[cfg(test)]
mod tests;
