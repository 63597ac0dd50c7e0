//! Why entries are invalidated.

use serde::{Deserialize, Serialize};

/// Why entries are invalidated: a label of `cache_invalidations_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Their source was written to.
    Write,
    /// An event said so.
    Event,
    /// Something that they depend on has changed.
    Tag,
    /// All of the cache was dropped.
    All,
    /// Somebody asked for it.
    Request,
    /// This pod may have missed an invalidation, and dropped all that it held in memory.
    Flush,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 6] = [Self::Write, Self::Event, Self::Tag, Self::All, Self::Request, Self::Flush];

    /// The label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Event => "event",
            Self::Tag => "tag",
            Self::All => "all",
            Self::Request => "request",
            Self::Flush => "flush",
        }
    }
}
