//! The routes. Handlers read the request, ask one thing of the service and write the answer.

pub mod cart;
pub mod checkout;
pub mod health;
pub mod internal;
pub mod system_a;
