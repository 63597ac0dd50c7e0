#![doc = include_str!("../README.md")]

mod admin_sessions;
pub mod app;
mod cached;
pub mod config;
mod domain;
mod error;
mod http;
mod jobs;
mod limits;
mod logins;
mod metrics;
mod passwords;
pub mod routes;
pub mod seed;
mod sessions;
mod store;

use sqlx::migrate::Migrator;

/// The name of the service, in logs and metrics.
pub const NAME: &str = "user";

/// Its schema in the database, and its role there.
pub const SCHEMA: &str = "users";

/// The migrations of its schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
