//! Hashing passwords: slow on purpose, so on threads of its own and only a few at a time.

mod bcrypt;

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use prometheus::IntCounterVec;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use crate::domain::PasswordHash;

/// What makes a hash slow. Memory use is `memory_kib` times the number of hashes at a time.
#[derive(Clone, Copy, Debug)]
struct Strength {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// As OWASP recommends. Hashes that are weaker are made anew at the next login.
const STRENGTH: Strength = Strength { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

/// A hash that asks for more than this is not one of ours.
const MOST: Strength = Strength { memory_kib: 128 * 1024, passes: 16, lanes: 4 };

/// How long a request waits for its turn before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many requests wait for each of those that are at it; the next one would wait in vain, so it is told at once.
const WAITING_PER_TURN: usize = 64;

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

/// What became of a password that was presented.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Whether it is the right one.
    pub(crate) right: bool,
    /// A hash of it to keep from now on, if it is right and the kept one is weaker than new ones are.
    pub(crate) better: Option<PasswordHash>,
}

/// Hashes and checks passwords.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    work: Work,
    /// What a password is checked against if there is no such user, so that the time of the answer does not tell.
    nobody: Arc<PasswordHash>,
}

impl Passwords {
    /// As many hashes at a time as there are processors, each of them counted by its algorithm.
    pub(crate) fn new(done: IntCounterVec) -> Result<Self, PasswordError> {
        Self::with(STRENGTH, done)
    }

    fn with(strength: Strength, done: IntCounterVec) -> Result<Self, PasswordError> {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let work = Work { strength, done };
        let nobody = hash(strength, &SecretString::from("nobody has this password"))?;
        Ok(Self {
            turns: Arc::new(Semaphore::new(processors)),
            queue: Arc::new(Semaphore::new(processors * (WAITING_PER_TURN + 1))),
            work,
            nobody: Arc::new(nobody),
        })
    }

    /// The hash to keep of a new password.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<PasswordHash, PasswordError> {
        let work = self.work.clone();
        self.in_turn(move || work.hash(&password)).await
    }

    /// Whether the password is the one of the hash. Without a hash the answer is no, after the same work.
    pub(crate) async fn check(
        &self,
        password: SecretString,
        kept: Option<PasswordHash>,
    ) -> Result<Checked, PasswordError> {
        let (known, work) = (kept.is_some(), self.work.clone());
        let kept = kept.unwrap_or_else(|| (*self.nobody).clone());
        let nobody = Arc::clone(&self.nobody);
        self.in_turn(move || {
            let right = work.verify(&password, &kept, &nobody)? && known;
            let better = (right && work.is_weak(&kept)).then(|| work.hash(&password)).transpose()?;
            Ok(Checked { right, better })
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(PasswordError::Busy) };
        let work = move || {
            // Both end with the work, not with the request, which may be given up meanwhile.
            let _held = (place, turn);
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(PasswordError::Thread)?
    }
}

/// What a thread does when it has its turn.
#[derive(Clone, Debug)]
struct Work {
    strength: Strength,
    done: IntCounterVec,
}

impl Work {
    fn hash(&self, password: &SecretString) -> Result<PasswordHash, PasswordError> {
        self.done.with_label_values(&["argon2id"]).inc();
        hash(self.strength, password)
    }

    /// A hash that nobody can check is as good as that of another password, after as much work: what is wrong with it is not the client's
    /// business, and the log says it.
    fn verify(
        &self,
        password: &SecretString,
        kept: &PasswordHash,
        nobody: &PasswordHash,
    ) -> Result<bool, PasswordError> {
        if bcrypt::is_hash(kept) {
            match bcrypt::verify(password, kept) {
                Ok(right) => {
                    self.done.with_label_values(&["bcrypt"]).inc();
                    return Ok(right);
                }
                Err(error) => tracing::error!(%error, "a kept password hash can't be checked"),
            }
        } else if let Some((kept, _)) = readable(kept) {
            return self.verify_argon2(password, &kept);
        } else {
            tracing::error!("a kept password hash is of no kind that can be checked");
        }
        let nobody = phc::PasswordHash::new(&nobody.0).map_err(|error| PasswordError::Hash(error.into()))?;
        self.verify_argon2(password, &nobody)?;
        Ok(false)
    }

    fn verify_argon2(&self, password: &SecretString, kept: &phc::PasswordHash) -> Result<bool, PasswordError> {
        self.done.with_label_values(&["argon2id"]).inc();
        match Argon2::default().verify_password(password.expose_secret().as_bytes(), kept) {
            Ok(()) => Ok(true),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(PasswordError::Hash(error)),
        }
    }

    /// Whether new hashes are stronger than this one.
    fn is_weak(&self, kept: &PasswordHash) -> bool {
        let Some((kept, params)) = readable(kept) else { return true };
        let Strength { memory_kib, passes, lanes } = self.strength;
        kept.algorithm != Algorithm::Argon2id.ident()
            || kept.version != Some(Version::V0x13.into())
            || params.m_cost() < memory_kib
            || params.t_cost() < passes
            || params.p_cost() < lanes
    }
}

/// A hash of argon2 that can be checked without using up the machine.
fn readable(kept: &PasswordHash) -> Option<(phc::PasswordHash, Params)> {
    let kept = phc::PasswordHash::new(&kept.0).ok()?;
    let params = Params::try_from(&kept).ok()?;
    let bounded = params.m_cost() <= MOST.memory_kib && params.t_cost() <= MOST.passes && params.p_cost() <= MOST.lanes;
    (bounded && kept.salt.is_some() && kept.hash.is_some()).then_some((kept, params))
}

fn hash(strength: Strength, password: &SecretString) -> Result<PasswordHash, PasswordError> {
    let Strength { memory_kib, passes, lanes } = strength;
    let params = Params::new(memory_kib, passes, lanes, None).map_err(|error| PasswordError::Hash(error.into()))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2.hash_password(password.expose_secret().as_bytes()).map_err(PasswordError::Hash)?;
    Ok(PasswordHash(hash.to_string()))
}

#[cfg(test)]
mod tests;
