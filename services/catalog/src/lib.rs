#![doc = include_str!("../README.md")]

pub mod app;
pub mod assortment;
pub mod config;
pub mod domain;
pub mod error;
pub mod expiry;
pub mod http;
pub mod metrics;
pub mod reads;
pub mod reservations;
pub mod routes;
pub mod seed;
pub mod store;

/// The name of the service, of its role and of its schema.
pub const NAME: &str = "catalog";

/// The migrations of schema `catalog`.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
