//! Data to play with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Data to play with, made once by a Job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Demo {
    /// Number of products, spread over the 8 categories. 0 makes none. Default: 0. Example: `20000`.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub products: u32,
    /// Make the users admin, user1 and testuser, whose passwords are known to everybody. Default: false. Example: `true`.
    #[serde(default)]
    pub users: bool,
}
