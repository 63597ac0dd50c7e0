//! A namespace with a Store, an operator for it, and somebody who plays the other controllers.

mod cluster;
mod players;
mod pods;
mod world;

pub use cluster::{children, config, config_of, kubectl};
pub use players::Players;
pub use pods::{FakePod, Manner};
pub use world::{Operator, World, condition, eventually};
