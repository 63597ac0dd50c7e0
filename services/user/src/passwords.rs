//! Hashing passwords: slow on purpose, so on threads of its own and only a few at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use crate::domain::PasswordHash;

/// Memory of one hash in KiB, passes and lanes, as OWASP recommends. Memory use is this times the number of hashes at a time.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How long a request waits for its turn before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(3);

/// A password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many others are at it.
    #[error("too many passwords are being checked")]
    Busy,
    /// The library refused, or a stored hash can't be read.
    #[error("can't hash the password: {0}")]
    Hash(argon2::password_hash::Error),
    /// The thread panicked.
    #[error("the hashing thread failed")]
    Thread(#[source] tokio::task::JoinError),
}

/// Hashes and checks passwords.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// What a password is checked against if there is no such user, so that the time of the answer does not tell.
    nobody: Arc<PasswordHash>,
}

impl Passwords {
    /// As many hashes at a time as there are processors.
    pub(crate) fn new() -> Result<Self, PasswordError> {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let nobody = hash(&SecretString::from("nobody has this password"))?;
        Ok(Self { turns: Arc::new(Semaphore::new(processors)), nobody: Arc::new(nobody) })
    }

    /// The hash to keep of a new password.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<PasswordHash, PasswordError> {
        self.in_turn(move || hash(&password)).await
    }

    /// Whether the password is the one of the hash. Without a hash the answer is no, after the same work.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        kept: Option<PasswordHash>,
    ) -> Result<bool, PasswordError> {
        let known = kept.is_some();
        let kept = kept.unwrap_or_else(|| (*self.nobody).clone());
        Ok(self.in_turn(move || verify(&password, &kept)).await? && known)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(PasswordError::Busy) };
        let work = move || {
            // The turn ends with the work, not with the request, which may be given up meanwhile.
            let _turn = turn;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(PasswordError::Thread)?
    }
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| PasswordError::Hash(error.into()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &SecretString) -> Result<PasswordHash, PasswordError> {
    let hash = argon2()?.hash_password(password.expose_secret().as_bytes()).map_err(PasswordError::Hash)?;
    Ok(PasswordHash(hash.to_string()))
}

fn verify(password: &SecretString, kept: &PasswordHash) -> Result<bool, PasswordError> {
    let kept = phc::PasswordHash::new(&kept.0).map_err(|error| PasswordError::Hash(error.into()))?;
    match argon2()?.verify_password(password.expose_secret().as_bytes(), &kept) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(PasswordError::Hash(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_is_accepted() {
        let passwords = Passwords::new().expect("it can hash");
        let kept = passwords.hash("user123".into()).await.expect("it can hash");
        assert!(kept.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let verify = async |password: &str, kept| passwords.verify(password.into(), kept).await.expect("it can check");
        assert!(verify("user123", Some(kept.clone())).await);
        assert!(!verify("user124", Some(kept)).await);
        assert!(!verify("nobody has this password", None).await);
    }
}
