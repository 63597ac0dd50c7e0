//! Ed25519 keys and their names.

use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// A key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file or folder can't be read.
    #[error("can't read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not an Ed25519 key in PEM.
    #[error("{0} has no Ed25519 key in PEM form")]
    NotAKey(PathBuf),
    /// There are no keys at all.
    #[error("{0} has no public keys (<kid>.pem)")]
    NoKeys(PathBuf),
}

/// The name of a key: the first 16 hex digits of the SHA-256 of the raw public key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The name of this key.
    pub fn of(key: &VerifyingKey) -> Self {
        Self(hex::encode(&Sha256::digest(key.as_bytes())[..8]))
    }

    /// A name as it stands in a token or a file's name.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public key in the form of RFC 8037.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Jwk {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    #[schema(value_type = String)]
    kid: KeyId,
    x: String,
}

impl Jwk {
    /// This key, for everyone to verify with.
    pub fn of(kid: &KeyId, key: &VerifyingKey) -> Self {
        let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
        Self { kty: "OKP", crv: "Ed25519", alg: "EdDSA", usage: "sig", kid: kid.clone(), x }
    }
}

/// All public keys that access tokens may be signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Jwks {
    /// The keys, in the order of their names.
    pub keys: Vec<Jwk>,
}
