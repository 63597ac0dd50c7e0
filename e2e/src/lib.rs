#![doc = include_str!("../README.md")]

pub mod cache_walk;
pub mod cluster;
pub mod journey;
pub mod load;
pub mod printer;
pub mod shop;
