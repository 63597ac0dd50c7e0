#![doc = include_str!("../README.md")]

mod claims;
mod extract;
mod keys;
mod service;
mod signer;
mod verifier;

pub use claims::{AUDIENCE, Claims, ISSUER, Role, UnknownRole};
pub use extract::{Admin, AuthConfigError, AuthState, CurrentUser, ServiceCaller};
pub use keys::{Jwk, Jwks, KeyError, KeyId};
pub use service::{ServiceToken, ServiceTokenError};
pub use signer::{SignError, Signer};
pub use verifier::{Verifier, VerifyError};
