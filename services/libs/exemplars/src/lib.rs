#![doc = include_str!("../README.md")]

mod histograms;
mod openmetrics;
mod page;

pub use self::histograms::{Place, TracedHistogram, TracedHistograms};
pub use self::page::Page;
