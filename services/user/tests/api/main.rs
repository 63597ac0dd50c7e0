//! The user service through HTTP, on a real PostgreSQL.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

mod admin;
mod admin_login;
mod authz;
mod caching;
mod faults;
mod health;
mod hostile;
mod limits;
mod login;
mod lost_commits;
mod notifications;
mod openapi;
mod passwords;
mod profile;
mod register;
mod revocations;
mod seeding;
mod sessions;
mod support;
