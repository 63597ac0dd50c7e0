//! The catalog over HTTP: one file for a resource, with what it reads and writes.

pub mod admin;
pub mod categories;
pub mod products;
pub mod quote;
pub mod reservations;
pub mod system;
pub mod version;
