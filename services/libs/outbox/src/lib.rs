#![doc = include_str!("../README.md")]

pub mod cached;
mod courier;
pub mod dead_letters;
mod failure;
pub mod inbox;
mod outbox;
mod redacted;
mod relay;

pub use courier::Courier;
pub use dead_letters::DeadLetters;
pub use failure::{DeliveryError, Failure};
pub use outbox::{Event, NewEvent, OutboxError, enqueue, enqueue_all};
pub use relay::{OutboxMetrics, Relay};
