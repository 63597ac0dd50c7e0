//! Why there is no plan for a Store.

use crate::{InvalidStore, InvalidUrl};

/// Why there is no plan for a Store that was checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unplannable {
    /// What it refers to cannot be used.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// Something in it does not go together with what the operator makes.
    #[error(transparent)]
    Store(#[from] InvalidStore),
}
