#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "this is the ground that tests stand on: what fails here fails the test, with its reason"
)]

mod chaos;
mod collector;
mod database;
mod http;
mod keys;
mod postgres;
mod process;
mod redis;

pub use chaos::ChaosProxy;
pub use collector::{Collected, Collector, SpanKind};
pub use database::TestDb;
pub use http::{eventually, problem, spawn};
pub use keys::Keys;
pub use postgres::TestPostgres;
pub use redis::TestRedis;
