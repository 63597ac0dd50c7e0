#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
pub mod line;
pub mod metrics;
mod ops;
pub mod receive;
mod spans;
pub mod stub_status;

/// What the spans and logs of the gateway call it.
pub const NAME: &str = "gateway";
