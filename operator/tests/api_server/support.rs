//! A namespace with a Store, an operator for it, and somebody who plays the other controllers.

mod audit;
mod chart;
mod cluster;
mod mishaps;
mod players;
mod pods;
mod process;
mod proxy;
mod replica;
mod shape;
mod world;

pub use audit::{Request, Strict};
pub use chart::{Rule, chart, rules};
pub use cluster::{Child, children, config, config_of, helm, install_crd, kubeconfig_path, kubectl};
pub use mishaps::{Mishap, Mishaps};
pub use players::Players;
pub use pods::{FakePod, Manner};
pub use process::Process;
pub use proxy::Proxy;
pub use replica::{Replica, lease_settings};
pub use shape::{Shape, shape, until_shaped};
pub use world::{Operator, World, condition, eventually, figures};
