#![doc = include_str!("../README.md")]

pub mod journey;
pub mod shop;
