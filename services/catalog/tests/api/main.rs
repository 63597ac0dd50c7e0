//! The catalog from outside: through HTTP, on a real PostgreSQL, each test with a database of its own.
#![expect(clippy::expect_used, reason = "what fails here fails the test, with its reason")]

mod admin;
mod authorization;
mod browse;
mod caching;
mod comments;
mod crowds;
mod document;
mod events;
mod flash_sales;
mod listings;
mod order_events;
mod outage;
mod product_events;
mod races;
mod reference;
mod reservations;
mod sales;
mod saved;
mod search;
mod seed;
mod sockets;
mod suggestions;
mod support;
mod swagger;
