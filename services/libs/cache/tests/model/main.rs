//! The protocol in Redis, as a model: every order of steps of loads, writes, failures and losses is tried on it, and it is compared with
//! the real scripts on a real Redis, so that what is proved of the model is proved of them.
#![expect(clippy::expect_used, reason = "what fails here fails the test, with its reason")]

mod actors;
mod explorer;
mod pod;
mod proofs;
mod scripts;
mod tier;
