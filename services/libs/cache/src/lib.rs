#![doc = include_str!("../README.md")]

mod cache;
mod caches;
mod channel;
mod error;
mod fence;
mod flight;
mod ghost;
mod hash;
mod keep;
mod lifetime;
mod live;
mod load;
mod local;
mod metrics;
pub mod ops;
mod reason;
mod refresh;
mod remote;
mod response;
mod sample;
mod side;
mod source;
mod spans;
mod staleness;
mod stats;
mod status;
mod tag;
mod waiting;
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
pub use stats::CacheStats;
pub use status::{CACHE_STATUS, CacheStatus};
pub use tag::Tag;
pub use write::{Pending, Write};

/// The steps of the protocol in Redis, for the tests that compare them with their model.
#[doc(hidden)]
pub mod protocol {
    pub use crate::channel::{Message, What};
    pub use crate::remote::{
        Keys, Lease, MaxAge, News, Parcel, Remote, RemoteEntry, SharedStamp, Stored, Token, WRITE_LASTS,
    };
}
