#![doc = include_str!("../README.md")]

mod acknowledgement;
mod document;
mod name;
mod policy;
mod span;

pub use acknowledgement::{Acknowledgement, Rejection};
pub use document::{DOCUMENT_FILE, DocumentError, Policies, PolicyDocument};
pub use name::{CacheName, UnknownCache};
pub use policy::{InvalidPolicy, LocalTier, Pattern, Policy};
