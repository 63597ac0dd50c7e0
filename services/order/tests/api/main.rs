//! The order service from outside: through HTTP, on a real PostgreSQL, each test with a database of its own.
#![expect(clippy::expect_used, reason = "what fails here fails the test, with its reason")]

mod admin;
mod authorization;
mod cancel;
mod clock;
mod deletion;
mod document;
mod faults;
mod follow;
mod notices;
mod orders;
mod stock;
mod support;
