//! The catalog over HTTP: one file for a resource, with what it reads and writes.

pub mod admin;
pub mod bestsellers;
pub mod caches;
pub mod categories;
pub mod comments;
pub mod flash_sales;
pub mod order_events;
pub mod products;
pub mod quote;
pub mod recommendations;
pub mod reservations;
pub mod sales;
pub mod socket;
pub mod swagger;
pub mod system;
pub mod tags;
