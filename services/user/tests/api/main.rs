//! The user service through HTTP, on a real PostgreSQL.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

mod authz;
mod caching;
mod faults;
mod health;
mod login;
mod notifications;
mod openapi;
mod profile;
mod register;
mod seeding;
mod support;
