//! The size of a shop in one word.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How large and how redundant the shop is. Any field of a service overrides what the profile says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Profile {
    /// One replica of everything and small limits: fits beside other work on a laptop.
    #[default]
    Laptop,
    /// Two replicas of each service with disruption budgets.
    Standard,
    /// Three replicas of each service with disruption budgets and larger limits.
    HighAvailability,
}

impl Profile {
    /// Replicas of a stateless service.
    pub const fn replicas(self) -> i32 {
        match self {
            Self::Laptop => 1,
            Self::Standard => 2,
            Self::HighAvailability => 3,
        }
    }
}
