//! What an order is and how it moves. No I/O.

pub mod lifecycle;
pub mod order;
