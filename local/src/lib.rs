#![doc = include_str!("../README.md")]

mod addition;
mod addons;
mod api_server;
mod binaries;
mod cache;
mod certs;
mod cgroups;
mod check;
mod cleanup;
mod cluster;
mod command;
mod debian;
mod error;
mod forward;
mod images;
mod iptables;
mod kind;
mod kubeconfig;
mod kwok;
mod launcher;
mod layout;
mod network;
mod oci;
mod packages;
mod plugin;
mod ports;
mod preflight;
mod processes;
mod progress;
mod servers;
mod values;

pub use api_server::ApiServer;
pub use error::{Error, Result};
pub use kwok::Kwok;
pub use launcher::Launcher;
