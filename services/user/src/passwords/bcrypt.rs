//! The hashes of one of the shop's older systems: they are checked, and replaced at the next login.

use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::PasswordHash;

/// Each step of the cost doubles the work. Below this range a hash is broken; above it, checking one would keep a processor for seconds, so
/// a hash that somebody slipped in could be used to stop the service.
const COSTS: std::ops::RangeInclusive<u32> = 4..=14;

/// A hash of bcrypt can't be checked.
#[derive(Debug, thiserror::Error)]
pub(super) enum BcryptError {
    #[error("its cost is not between {} and {}", COSTS.start(), COSTS.end())]
    Cost,
    #[error("it can't be read")]
    Unreadable(#[source] bcrypt::BcryptError),
}

/// Whether it is a hash of bcrypt, in one of its spellings.
pub(super) fn is_hash(kept: &PasswordHash) -> bool {
    ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| kept.0.starts_with(prefix))
}

/// Whether the password is the one of the hash. Like everybody's, it looks at the first 72 bytes only.
pub(super) fn verify(password: &SecretString, kept: &PasswordHash) -> Result<bool, BcryptError> {
    let cost = kept.0.split('$').nth(2).and_then(|cost| cost.parse().ok());
    if !cost.is_some_and(|cost| COSTS.contains(&cost)) {
        return Err(BcryptError::Cost);
    }
    bcrypt::verify(password.expose_secret(), &kept.0).map_err(BcryptError::Unreadable)
}
