//! A namespace with a Store, an operator for it, and somebody who plays the other controllers.

mod audit;
mod chart;
mod cluster;
mod players;
mod pods;
mod process;
mod replica;
mod world;

pub use audit::{Request, Strict};
pub use chart::{Rule, chart, rules};
pub use cluster::{children, config, config_of, helm, kubeconfig, kubectl};
pub use players::Players;
pub use pods::{FakePod, Manner};
pub use process::Process;
pub use replica::{Replica, lease_settings};
pub use world::{Operator, World, condition, eventually};
