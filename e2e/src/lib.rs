#![doc = include_str!("../README.md")]

pub mod cache_walk;
pub mod cluster;
pub mod journey;
pub mod load;
pub mod on_call;
pub mod printer;
pub mod profiles;
pub mod shop;
pub mod watch;
