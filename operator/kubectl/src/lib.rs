#![doc = include_str!("../README.md")]

mod age;
pub mod args;
mod commands;
mod connect;
mod error;
mod fetch;
mod paint;
mod picture;
mod reasons;
mod seen;
mod table;
mod tree;

pub use commands::{Answer, run};
pub use error::Error;
pub use paint::Paint;
