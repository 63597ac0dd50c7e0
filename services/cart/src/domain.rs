//! What a cart is and how a checkout goes. No I/O.

pub mod cart;
pub mod checkout;
pub mod expectation;
pub mod idempotency;
pub mod merge;
pub mod owner;
