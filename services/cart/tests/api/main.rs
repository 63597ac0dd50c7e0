//! The cart service from outside, between the real catalog and the real order service, each with a database of its own.
#![expect(clippy::expect_used, reason = "what fails here fails the test, with its reason")]

mod anonymous;
mod audit;
mod authorization;
mod browser;
mod caching;
mod cart;
mod checkout;
mod commits;
mod crashes;
mod document;
mod expectations;
mod expiry;
mod faults;
mod outages;
mod severed;
mod siblings;
mod support;
mod versions;
