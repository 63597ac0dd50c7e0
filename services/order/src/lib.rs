#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
pub mod domain;
pub mod error;
pub mod events;
pub mod figures;
pub mod http;
pub mod jobs;
pub mod metrics;
pub mod moves;
pub mod orders;
pub mod routes;
pub mod store;
pub mod streams;

/// The name of the service.
pub const NAME: &str = "order";

/// Its schema and the role that owns it: ORDER is a word of SQL.
pub const SCHEMA: &str = "orders";

/// The migrations of the schema.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
