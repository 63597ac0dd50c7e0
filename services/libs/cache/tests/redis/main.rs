//! The cache on a real Redis: several pods (instances of `Caches`) on one database, and the network between them broken at will.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

mod support;

mod bounds;
mod failing_source;
mod fencing;
mod invalidation;
mod outages;
mod patterns;
mod policies;
mod reads;
