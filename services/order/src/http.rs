//! The routes. Handlers read the request, ask one thing of the service and write the answer.

pub mod admin;
pub mod events;
pub mod health;
pub mod internal;
pub mod orders;
