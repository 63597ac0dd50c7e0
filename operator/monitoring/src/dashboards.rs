//! The dashboards of a shop, a file for each.

mod cache;
mod cart;
mod catalog;
mod gateway;
mod jaeger;
mod load_test;
mod operator;
mod order;
mod overview;
mod parts;
mod postgresql;
mod redis;
mod runtime;
mod service;
#[cfg(test)]
mod tests;
mod user;

use crate::grafana::Dashboard;

/// All dashboards, the overview first.
#[must_use]
pub fn dashboards() -> Vec<Dashboard> {
    let others = vec![
        catalog::dashboard(),
        cart::dashboard(),
        order::dashboard(),
        user::dashboard(),
        cache::dashboard(),
        gateway::dashboard(),
        postgresql::dashboard(),
        redis::dashboard(),
        jaeger::dashboard(),
        operator::dashboard(),
        load_test::dashboard(),
        runtime::dashboard(),
    ];
    let mut all = vec![overview::dashboard().leading_to(&others)];
    all.extend(others);
    all
}
