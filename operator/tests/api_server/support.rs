//! A namespace with a Store, an operator for it, and somebody who plays the other controllers.

mod cluster;
mod mishaps;
mod players;
mod pods;
mod proxy;
mod shape;
mod world;

pub use cluster::{Child, children, config, config_of, install_crd, kubeconfig_path, kubectl};
pub use mishaps::{Mishap, Mishaps};
pub use players::Players;
pub use pods::{FakePod, Manner};
pub use proxy::Proxy;
pub use shape::{Shape, shape, until_shaped};
pub use world::{Operator, World, condition, eventually};
