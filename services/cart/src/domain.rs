//! What a cart is and how a checkout goes. No I/O.

pub mod cart;
pub mod checkout;
