//! Checks access tokens.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use moka::sync::Cache;
use time::OffsetDateTime;

use crate::claims::{ADMIN_AUDIENCE, AUDIENCE, Claims, ISSUER};
use crate::keys::{Jwk, Jwks, KeyError, KeyId};
use crate::revocations::NotKnownYet;
use crate::watch::{Watched, watch};

/// How far the clocks of two machines may be apart, in seconds.
const LEEWAY: u64 = 5;

/// A token that is longer than this is not one of ours.
const MAX_LENGTH: usize = 4096;

/// So many tokens are remembered, of less than a kilobyte each.
const REMEMBERED: u64 = 4096;

/// The token is not good. Clients are told no more than that.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It can't be read, or is not signed as we do.
    #[error("the token can't be read")]
    Malformed,
    /// It names a key that is not trusted (any more).
    #[error("the token is signed with an unknown key")]
    UnknownKey,
    /// The signature is wrong, or it is expired, or not for us.
    #[error("the token is not valid")]
    Invalid(#[source] jsonwebtoken::errors::Error),
    /// It is good, but for something else.
    #[error("the token was issued for something else")]
    OtherAudience,
    /// Its session was ended.
    #[error("the session of the token was ended")]
    Revoked,
    /// Whether its session was ended can't be told yet; the token may be good.
    #[error(transparent)]
    NotKnownYet(#[from] NotKnownYet),
}

/// Knows the public keys that are trusted.
#[derive(Clone)]
pub struct Verifier(Arc<Watched<Inner>>);

struct Inner {
    keys: ArcSwap<Keys>,
    validation: Validation,
    /// Tokens that were verified lately, so that the signature of one that comes with many requests is computed once.
    verified: Cache<Box<str>, Verified>,
}

/// A token whose signature is right.
#[derive(Clone)]
struct Verified {
    kid: KeyId,
    key: VerifyingKey,
    claims: Arc<Claims>,
}

type Keys = BTreeMap<KeyId, (VerifyingKey, DecodingKey)>;

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.value.keys.load().keys()).finish()
    }
}

impl Verifier {
    /// Trusts every key of a folder: files `<kid>.pem` (SPKI), as they are now. Other files are not looked at.
    pub fn from_dir(dir: &Path) -> Result<Self, KeyError> {
        Ok(Self::new(read(dir)?))
    }

    /// The same, and follows the folder: a key that comes is trusted within about a second, and one that goes is not any more. What can't
    /// be used, such as an empty folder, leaves the last good keys in force.
    pub fn watching(dir: &Path) -> Result<Self, KeyError> {
        let mut last = read(dir)?;
        let verifier = Self::new(last.clone());
        let dir = dir.to_owned();
        let mut complaint = None;
        watch("auth-keys", &verifier.0, move |inner| match read(&dir) {
            Ok(found) if found == last => complaint = None,
            Ok(found) => {
                tracing::info!(kids = ?found.keys().collect::<Vec<_>>(), "these keys of access tokens are trusted now");
                inner.keys.store(Arc::new(decoding(found.clone())));
                last = found;
            }
            Err(error) => {
                let said = Some(error.to_string());
                if complaint != said {
                    tracing::warn!(%error, "the keys of access tokens can't be read; the last ones stay trusted");
                    complaint = said;
                }
            }
        });
        Ok(verifier)
    }

    /// Trusts these keys.
    pub fn new(keys: impl IntoIterator<Item = (KeyId, VerifyingKey)>) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        // Of these, each caller takes one.
        validation.set_audience(&[AUDIENCE, ADMIN_AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
        validation.leeway = LEEWAY;
        Self(Watched::new(Inner {
            keys: ArcSwap::from_pointee(decoding(keys)),
            validation,
            verified: Cache::new(REMEMBERED),
        }))
    }

    /// How often the folder was looked at that is followed. A change is seen by the second look that ends after it at the latest.
    pub fn looks(&self) -> u64 {
        self.0.looks()
    }

    /// Whether tokens that are signed with this key are believed.
    pub fn trusts(&self, kid: &KeyId) -> bool {
        self.0.value.keys.load().contains_key(kid)
    }

    /// What the access token says, if it can be believed.
    pub fn verify(&self, token: &str) -> Result<Claims, VerifyError> {
        self.verify_for(AUDIENCE, token)
    }

    /// What a token of this audience says, if it can be believed. What was issued for one audience is never good for another.
    pub fn verify_for(&self, audience: &str, token: &str) -> Result<Claims, VerifyError> {
        let claims = self.verify_any(token)?;
        if claims.aud == audience { Ok(claims) } else { Err(VerifyError::OtherAudience) }
    }

    fn verify_any(&self, token: &str) -> Result<Claims, VerifyError> {
        if token.len() > MAX_LENGTH {
            return Err(VerifyError::Malformed);
        }
        let keys = self.0.value.keys.load();
        if let Some(claims) = self.remembered(&keys, token) {
            return Ok(claims);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| VerifyError::Malformed)?;
        let kid = KeyId::named(header.kid.ok_or(VerifyError::Malformed)?);
        let (key, decoding) = keys.get(&kid).ok_or(VerifyError::UnknownKey)?;
        let claims: Claims =
            jsonwebtoken::decode(token, decoding, &self.0.value.validation).map_err(VerifyError::Invalid)?.claims;
        self.0.value.verified.insert(token.into(), Verified { kid, key: *key, claims: Arc::new(claims.clone()) });
        Ok(claims)
    }

    /// What a token says that was verified before, if its key is still trusted and its time is not over. Everything else about a token stays
    /// as it is.
    fn remembered(&self, keys: &Keys, token: &str) -> Option<Claims> {
        let Verified { kid, key, claims } = self.0.value.verified.get(token)?;
        let trusted = keys.get(&kid).is_some_and(|(trusted, _)| *trusted == key);
        let lasts = claims.exp.saturating_add_unsigned(LEEWAY) >= OffsetDateTime::now_utc().unix_timestamp();
        (trusted && lasts).then(|| Claims::clone(&claims))
    }

    /// The trusted keys, for others to verify with.
    pub fn jwks(&self) -> Jwks {
        Jwks { keys: self.0.value.keys.load().iter().map(|(kid, (key, _))| Jwk::of(kid, key)).collect() }
    }
}

fn decoding(keys: impl IntoIterator<Item = (KeyId, VerifyingKey)>) -> Keys {
    keys.into_iter().map(|(kid, key)| (kid, (key, DecodingKey::from_ed_der(key.as_bytes())))).collect()
}

/// The keys in a folder.
fn read(dir: &Path) -> Result<BTreeMap<KeyId, VerifyingKey>, KeyError> {
    let unreadable = |source| KeyError::Read { path: dir.to_owned(), source };
    let mut keys = BTreeMap::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        if path.extension().is_none_or(|extension| extension != "pem") {
            continue;
        }
        let pem = std::fs::read_to_string(&path).map_err(|source| KeyError::Read { path: path.clone(), source })?;
        let key = VerifyingKey::from_public_key_pem(&pem).map_err(|_| KeyError::NotAKey(path.clone()))?;
        keys.insert(KeyId::named(name), key);
    }
    if keys.is_empty() {
        return Err(KeyError::NoKeys(dir.to_owned()));
    }
    Ok(keys)
}
