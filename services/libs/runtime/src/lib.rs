#![doc = include_str!("../README.md")]

pub mod asset;
mod breaker;
mod chain;
pub mod client;
mod client_ip;
pub mod conditional;
pub mod config;
pub mod context;
pub mod db;
pub mod deadline;
mod drain;
pub mod extract;
mod head;
pub mod health;
pub mod job;
pub mod layers;
pub mod metrics;
pub mod migrate;
pub mod openapi;
pub mod ops;
pub mod problem;
pub mod profile;
pub mod rate_limit;
pub mod redis;
pub mod request_id;
pub mod serve;
pub mod span;
pub mod telemetry;
pub mod trace;

pub use breaker::Breaker;
pub use chain::Chain;
pub use client_ip::ClientIp;
pub use context::Context;
pub use problem::Problem;
/// A function that asks the database: a span and an observation of `db_query_duration_seconds` for each call, under its own name.
pub use shop_spans::query;
/// A function that does something which a customer or the shop has a word for: a span for each call.
pub use shop_spans::traced;

/// The allocator of the services' binaries: memory goes back to the system after a burst of load.
pub use tikv_jemallocator::Jemalloc;

/// Makes jemalloc the allocator of a binary.
#[macro_export]
macro_rules! use_jemalloc {
    () => {
        #[global_allocator]
        static ALLOCATOR: $crate::Jemalloc = $crate::Jemalloc;
    };
}
