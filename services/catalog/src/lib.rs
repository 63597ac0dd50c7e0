#![doc = include_str!("../README.md")]

pub mod app;
pub mod assortment;
pub mod cached;
pub mod changes;
pub mod comments;
pub mod config;
pub mod domain;
pub mod error;
pub mod expiry;
pub mod flash_sales;
pub mod http;
pub mod hub;
pub mod invalidations;
pub mod metrics;
pub mod order_events;
pub mod product_events;
pub mod reads;
pub mod reservations;
pub mod routes;
pub mod sales;
pub mod seed;
pub mod sockets;
pub mod store;
pub mod turns;

/// The name of the service, of its role and of its schema.
pub const NAME: &str = "catalog";

/// The migrations of schema `catalog`.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
