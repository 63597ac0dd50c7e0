//! What a pod answers.

use serde::{Deserialize, Serialize};

/// The policies that a pod runs. A pod that was given none runs the defaults, as generation 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Generation of the document that is in force.
    pub generation: i64,
    /// Hash of the policies that are in force.
    pub hash: String,
    /// The document that came last, if it was not taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Rejection>,
}

/// A document that was not taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Why, for people.
    pub reason: String,
}
