//! Names by which many entries are invalidated at once.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that entries depend on. Invalidating it costs the same however many entries do: each is found void when it is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tag(String);

impl Tag {
    /// The thing of this kind with this identifier, `product:42`. Spaces and equals signs separate tags in Redis and become dashes.
    pub fn new(kind: &'static str, id: impl fmt::Display) -> Self {
        let mut text = format!("{kind}:{id}");
        if text.contains([' ', '=', '\n']) {
            text = text.replace([' ', '=', '\n'], "-");
        }
        Self(text)
    }

    /// The tag as it stands in Redis.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Tag {
    fn borrow(&self) -> &str {
        &self.0
    }
}
