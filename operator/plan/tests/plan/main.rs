//! Plans as they come out: snapshots to read, and properties that must hold for all of them.

#![expect(clippy::expect_used, reason = "tests")]

mod backup;
mod cache_policy;
mod fixture;
mod gateway;
mod images;
mod monitoring;
mod network;
mod pg_admin;
mod pod_template;
mod postgres;
mod properties;
mod random;
mod restricted;
mod security;
mod signing_keys;
mod snapshots;
mod telegram;
