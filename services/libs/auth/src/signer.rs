//! Makes access tokens; only the user service has a key for it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, spki::der::pem::LineEnding};
use ed25519_dalek::{SigningKey, VerifyingKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use shop_types::UserId;
use time::OffsetDateTime;

use crate::claims::{AUDIENCE, Claims, ISSUER, Role};
use crate::keys::{KeyError, KeyId};

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

    /// A token for this user, good from now on for `lifetime`.
    pub fn issue(&self, user: UserId, name: &str, role: Role, lifetime: Duration) -> Result<String, SignError> {
        let iat = OffsetDateTime::now_utc().unix_timestamp();
        let exp = iat.saturating_add(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX));
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            name: name.to_owned(),
            role,
            iat,
            exp,
        };
        self.sign(&claims)
    }

    /// A token with these very claims.
    pub fn sign(&self, claims: &Claims) -> Result<String, SignError> {
        let header = Header { kid: Some(self.kid.to_string()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &self.key).map_err(SignError)
    }
}
