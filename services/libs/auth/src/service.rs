//! The secret by which the services of one shop know each other.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// The shortest secret that is accepted.
const MIN_LENGTH: usize = 16;

/// The service token can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ServiceTokenError {
    /// Its file can't be read.
    #[error("can't read the service token from {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Too short to be a secret.
    #[error("the service token in {0} is shorter than 16 characters")]
    TooShort(PathBuf),
}

/// The shared secret of this shop's services.
#[derive(Clone, Debug)]
pub struct ServiceToken(SecretString);

impl ServiceToken {
    /// Reads the secret; blanks around it do not count.
    pub fn from_file(path: &Path) -> Result<Self, ServiceTokenError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ServiceTokenError::Read { path: path.to_owned(), source })?;
        let token = text.trim();
        if token.len() < MIN_LENGTH {
            return Err(ServiceTokenError::TooShort(path.to_owned()));
        }
        Ok(Self(token.into()))
    }

    /// This very secret.
    pub fn new(secret: SecretString) -> Self {
        Self(secret)
    }

    /// The secret, to call siblings with.
    pub const fn secret(&self) -> &SecretString {
        &self.0
    }

    /// Whether it is the same secret. Both sides are hashed first, so that the time of the comparison tells nothing of the secret.
    pub fn matches(&self, presented: &str) -> bool {
        Sha256::digest(self.0.expose_secret()) == Sha256::digest(presented)
    }
}
