//! Makes access tokens; only the user service has a key for it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, spki::der::pem::LineEnding};
use ed25519_dalek::{SigningKey, VerifyingKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use shop_types::UserId;

use crate::claims::{Claims, Role};
use crate::keys::{KeyError, KeyId};
use crate::verifier::Verifier;
use crate::watch::{Watched, watch};

/// Signs access tokens with one key.
#[derive(Clone)]
pub struct Signer {
    kid: KeyId,
    public: VerifyingKey,
    key: EncodingKey,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("can't sign an access token")]
pub struct SignError(#[source] jsonwebtoken::errors::Error);

impl Signer {
    /// Reads the private key (PKCS#8, PEM) from a file.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let pem = std::fs::read_to_string(path).map_err(|source| KeyError::Read { path: path.to_owned(), source })?;
        let not_a_key = || KeyError::NotAKey(path.to_owned());
        let key = SigningKey::from_pkcs8_pem(&pem).map_err(|_| not_a_key())?;
        Self::new(&key).ok_or_else(not_a_key)
    }

    /// Signs with this key; none if it can't be encoded.
    pub fn new(key: &SigningKey) -> Option<Self> {
        let pem = key.to_pkcs8_pem(LineEnding::LF).ok()?;
        let public = key.verifying_key();
        Some(Self { kid: KeyId::of(&public), public, key: EncodingKey::from_ed_pem(pem.as_bytes()).ok()? })
    }

    /// The name of the key.
    pub const fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// The other half of the key.
    pub const fn public_key(&self) -> &VerifyingKey {
        &self.public
    }

    /// A token for this user without a session, good from now on for `lifetime`.
    pub fn issue(&self, user: UserId, name: &str, role: Role, lifetime: Duration) -> Result<String, SignError> {
        self.sign(&Claims::lasting(lifetime, user, name, role))
    }

    /// A token with these very claims.
    pub fn sign(&self, claims: &Claims) -> Result<String, SignError> {
        let header = Header { kid: Some(self.kid.to_string()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &self.key).map_err(SignError)
    }
}

/// The key that access tokens are signed with at the moment; another one may be mounted at any time.
#[derive(Clone, Debug)]
pub struct LiveSigner(Arc<Watched<ArcSwap<Signer>>>);

impl LiveSigner {
    /// Signs with the key in this file, whichever it is, from about a second after it is there. A key whose other half is not trusted here yet
    /// waits until it is, since nobody would believe its tokens; and one that can't be read leaves the last one in use.
    pub fn watching(path: &Path, verifier: Verifier) -> Result<Self, KeyError> {
        let current = Watched::new(ArcSwap::from_pointee(Signer::from_file(path)?));
        let path = path.to_owned();
        let mut passed_over = None;
        watch("auth-signer", &current, move |current: &ArcSwap<Signer>| {
            let found = match Signer::from_file(&path) {
                Ok(found) if found.kid == current.load().kid => return,
                Ok(found) if verifier.trusts(&found.kid) => {
                    tracing::info!(kid = %found.kid, "access tokens are signed with this key now");
                    current.store(Arc::new(found));
                    return;
                }
                Ok(found) => format!("the key {} is not trusted yet", found.kid),
                Err(error) => error.to_string(),
            };
            if passed_over.as_ref() != Some(&found) {
                tracing::warn!(reason = found, "the new signing key is not used; the last one stays in use");
                passed_over = Some(found);
            }
        });
        Ok(Self(current))
    }

    /// The key of this moment.
    pub fn current(&self) -> Arc<Signer> {
        self.0.value.load_full()
    }

    /// How often the file was looked at. A change is seen by the second look that ends after it at the latest.
    pub fn looks(&self) -> u64 {
        self.0.looks()
    }
}
