//! The catalog from outside: through HTTP, on a real PostgreSQL, each test with a database of its own.
#![expect(clippy::expect_used, reason = "what fails here fails the test, with its reason")]

mod admin;
mod authorization;
mod browse;
mod document;
mod outage;
mod races;
mod reservations;
mod seed;
mod support;
