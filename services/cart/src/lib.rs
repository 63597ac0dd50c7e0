#![doc = include_str!("../README.md")]

pub mod app;
pub mod cached;
pub mod carts;
pub mod checkout;
pub mod config;
pub mod domain;
pub mod error;
pub mod http;
pub mod jobs;
pub mod metrics;
pub mod routes;
pub mod siblings;
pub mod store;

/// The name of the service, of its role and of its schema.
pub const NAME: &str = "cart";

/// The migrations of schema `cart`.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
