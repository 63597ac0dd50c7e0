#![doc = include_str!("../README.md")]

mod claims;
mod extract;
mod keys;
mod revocations;
mod service;
mod signer;
mod verifier;
mod watch;

pub use claims::{ADMIN_AUDIENCE, AUDIENCE, Claims, ISSUER, Role, UnknownRole};
pub use extract::{Admin, AuthConfigError, AuthState, Bearer, CurrentUser, OptionalUser, ServiceCaller};
pub use keys::{Jwk, Jwks, KeyError, KeyId};
pub use revocations::{NotKnownYet, REVOCATIONS_PATH, Revocation, RevocationPage, Revocations};
pub use service::{ServiceToken, ServiceTokenError};
pub use signer::{LiveSigner, SignError, Signer};
pub use verifier::{Verifier, VerifyError};
