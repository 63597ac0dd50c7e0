#![doc = include_str!("../README.md")]

mod cache;
mod caches;
mod error;
mod live;
pub mod ops;
mod reason;
mod source;
mod status;
mod tag;
mod write;

pub use cache::{Cache, Served};
pub use caches::Caches;
pub use error::{InvalidationError, LoadError};
pub use live::LivePolicies;
pub use reason::Reason;
pub use source::{Loaded, Source};
pub use status::{CACHE_STATUS, CacheStatus};
pub use tag::Tag;
pub use write::{Pending, Write};
