#![doc = include_str!("../README.md")]

mod api_server;
mod binaries;
mod cache;
mod certs;
mod cluster;
mod command;
mod error;
mod kubeconfig;
mod progress;

pub use api_server::ApiServer;
pub use error::{Error, Result};
