//! The names of the keys in Redis.
//!
//! All keys of one cache are in one slot of a Redis Cluster (they share the hash tag in braces), since a script touches several.

use redis::ScriptInvocation;
use shop_policy::CacheName;

/// The names of the keys that belong to one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    prefix: String,
    schema: u32,
    key: String,
}

impl Keys {
    pub(super) fn new(shop: &str, cache: CacheName, schema: u32, key: &str) -> Self {
        Self { prefix: format!("{{{shop}:{cache}}}"), schema, key: key.to_owned() }
    }

    pub(super) fn entry(&self) -> String {
        self.entry_of(self.schema)
    }

    pub(super) fn lease(&self) -> String {
        self.lease_of(self.schema)
    }

    pub(super) fn writers(&self) -> String {
        format!("{}:w:{}", self.prefix, self.key)
    }

    pub(super) fn sequence(&self) -> String {
        format!("{}:sequence", self.prefix)
    }

    pub(super) fn tag_prefix(&self) -> String {
        format!("{}:t:", self.prefix)
    }

    pub(super) fn tag(&self, tag: &str) -> String {
        format!("{}:t:{tag}", self.prefix)
    }

    /// The keys that a write touches: during a rolling update there may be entries of the neighbouring schemas.
    pub(super) fn add_written(&self, call: &mut ScriptInvocation<'_>) {
        let neighbours = [self.schema.wrapping_sub(1), self.schema, self.schema.wrapping_add(1)];
        call.key(self.writers());
        for schema in neighbours {
            call.key(self.entry_of(schema));
        }
        for schema in neighbours {
            call.key(self.lease_of(schema));
        }
    }

    fn entry_of(&self, schema: u32) -> String {
        format!("{}:e:{schema}:{}", self.prefix, self.key)
    }

    fn lease_of(&self, schema: u32) -> String {
        format!("{}:l:{schema}:{}", self.prefix, self.key)
    }
}
