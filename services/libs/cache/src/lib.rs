#![doc = include_str!("../README.md")]

mod cache;
mod caches;
mod error;
mod fence;
#[allow(dead_code, reason = "not wired in yet")]
mod ghost;
mod live;
pub mod ops;
mod reason;
mod response;
#[allow(dead_code, reason = "not wired in yet")]
mod sample;
mod source;
#[allow(dead_code, reason = "not wired in yet")]
mod staleness;
mod status;
mod tag;
mod write;

/// The atomics, under a name that the model checker's test can put its own in place of.
mod sync {
    pub(crate) use std::sync::atomic::{AtomicU64, Ordering};

    /// Runs a test once; the model checker runs it for every order of steps.
    #[cfg(test)]
    pub(crate) fn model(test: impl Fn()) {
        test();
    }
}

pub use cache::{Cache, Served};
pub use caches::Caches;
pub use error::{InvalidationError, LoadError};
pub use live::LivePolicies;
pub use reason::Reason;
pub use response::Cached;
pub use source::{Loaded, Source};
pub use status::{CACHE_STATUS, CacheStatus};
pub use tag::Tag;
pub use write::{Pending, Write};
