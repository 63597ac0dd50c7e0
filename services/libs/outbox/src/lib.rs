#![doc = include_str!("../README.md")]

pub mod cached;
pub mod inbox;
mod outbox;
mod relay;

pub use outbox::{Event, OutboxError, enqueue};
pub use relay::{DeliveryError, OutboxMetrics, Relay};
