//! Whose rules they are.

/// The shop that rules and alerts are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The namespace of its Store.
    pub namespace: String,
    /// The name of its Store.
    pub store: String,
}
