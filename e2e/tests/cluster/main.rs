//! What must hold on a real cluster, seen from outside.
//!
//! Every test needs the cluster and the sample Store of `make up`, and is ignored without them; `make test` runs them one by one,
//! because they share the cluster: a test that counts writes must not run beside one that deletes things.
#![expect(clippy::expect_used, clippy::panic, reason = "a failed expectation is how a test fails")]

mod backup;
mod cache;
mod deletion;
mod failure;
mod journey;
mod kubernetes;
mod load;
mod monitoring;
mod on_call;
mod packages;
mod profiles;
mod quiet;
mod races;
mod readme;
mod repair;
mod restricted;
mod stuck;
mod tools;
mod unattended;
mod witness;
