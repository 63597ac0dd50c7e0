//! The routes. Handlers read the request, ask one thing of the service and write the answer.

pub mod health;
pub mod internal;
pub mod orders;
