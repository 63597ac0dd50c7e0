//! All policies in one document.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{CacheName, InvalidPolicy, Policy};

/// The document's name in the ConfigMap, and so in the mounted folder.
pub const DOCUMENT_FILE: &str = "policy.json";

/// The policy of each cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Policies(BTreeMap<CacheName, Policy>);

impl Default for Policies {
    fn default() -> Self {
        Self::of(Policy::default_of)
    }
}

impl Policies {
    /// Made cache by cache.
    pub fn of(mut policy: impl FnMut(CacheName) -> Policy) -> Self {
        Self(CacheName::all().map(|cache| (cache, policy(cache))).collect())
    }

    /// The policy of a cache; the default if an older operator, which did not know the cache, made the document.
    pub fn get(&self, cache: CacheName) -> Policy {
        self.0.get(&cache).cloned().unwrap_or_else(|| Policy::default_of(cache))
    }

    /// Every policy.
    pub fn iter(&self) -> impl Iterator<Item = (CacheName, &Policy)> {
        self.0.iter().map(|(cache, policy)| (*cache, policy))
    }

    /// What these policies are told from others by: sixteen hexadecimal digits.
    pub fn hash(&self) -> String {
        // A map of plain values has no way to fail to be written.
        let text = serde_json::to_string(self).unwrap_or_default();
        hex::encode(&Sha256::digest(text)[..8])
    }
}

/// What the operator tells the pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// Generation of the Store that these policies came with.
    pub generation: i64,
    /// [`Policies::hash`] of the policies, to tell a whole document from a broken one.
    pub hash: String,
    /// The policies.
    pub caches: Policies,
}

/// Why a document is not taken over.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not a document, or one with a cache or a field that this version does not know.
    #[error("the document can't be read: {0}")]
    Unreadable(#[source] serde_json::Error),
    /// One of the policies contradicts itself.
    #[error("{cache}: {error}")]
    Invalid {
        /// The cache.
        cache: CacheName,
        /// What is wrong.
        #[source]
        error: InvalidPolicy,
    },
    /// Something was lost or changed by hand.
    #[error("the document's hash is {stated}, but its policies have {found}: let the operator write it")]
    Hash {
        /// What the document says.
        stated: String,
        /// What the policies have.
        found: String,
    },
}

impl PolicyDocument {
    /// A document of these policies.
    pub fn new(generation: i64, caches: Policies) -> Self {
        Self { generation, hash: caches.hash(), caches }
    }

    /// Reads a document and checks all of it.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let document: Self = serde_json::from_str(text).map_err(DocumentError::Unreadable)?;
        for (cache, policy) in document.caches.iter() {
            policy.check().map_err(|error| DocumentError::Invalid { cache, error })?;
        }
        let found = document.caches.hash();
        if found != document.hash {
            return Err(DocumentError::Hash { stated: document.hash, found });
        }
        Ok(document)
    }

    /// The document as it travels.
    pub fn to_json(&self) -> String {
        // Plain values have no way to fail to be written.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_document_comes_back_as_it_went() {
        let document = PolicyDocument::new(7, Policies::default());
        assert_eq!(PolicyDocument::parse(&document.to_json()).unwrap(), document);
    }

    #[test]
    fn a_document_that_was_changed_by_hand_is_refused() {
        let text = PolicyDocument::new(7, Policies::default()).to_json();
        let changed = text.replacen("\"5m\"", "\"6m\"", 1);
        assert_ne!(text, changed);
        assert!(matches!(PolicyDocument::parse(&changed), Err(DocumentError::Hash { .. })));
    }

    #[test]
    fn a_cache_or_field_that_nobody_knows_is_refused_by_name() {
        let text = PolicyDocument::new(7, Policies::default()).to_json();
        let unknown = text.replace("\"products\"", "\"produce\"");
        assert!(PolicyDocument::parse(&unknown).unwrap_err().to_string().contains("produce"));
        let unknown = text.replacen("\"pattern\"", "\"pattren\"", 1);
        assert!(PolicyDocument::parse(&unknown).unwrap_err().to_string().contains("pattren"));
    }

    #[test]
    fn an_invalid_policy_is_refused_by_the_name_of_its_cache() {
        let policies = Policies::of(|cache| Policy {
            ttl: if cache == CacheName::Cart { Duration::ZERO } else { Duration::from_secs(3600) },
            ..Policy::default_of(cache)
        });
        let error = PolicyDocument::parse(&PolicyDocument::new(7, policies).to_json()).unwrap_err().to_string();
        assert!(error.starts_with("cart: ttl must be more than nothing"), "{error}");
    }
}
