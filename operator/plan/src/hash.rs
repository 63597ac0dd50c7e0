//! Hashes that tell whether two objects are the same.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// Half of the SHA-256 of a value's JSON form.
pub fn digest<T: Serialize + ?Sized>(value: &T) -> u128 {
    // Objects built from string keys always serialise; the empty text would only cause one apply too many.
    let text = serde_json::to_vec(value).unwrap_or_default();
    let bytes: [u8; 32] = Sha256::digest(&text).into();
    bytes[..16].iter().fold(0, |number, &byte| number << 8 | u128::from(byte))
}

/// The same in hex.
pub fn hash<T: Serialize + ?Sized>(value: &T) -> String {
    format!("{:032x}", digest(value))
}

/// The first 8 hex digits: short enough for names.
pub fn short_hash<T: Serialize + ?Sized>(value: &T) -> String {
    hash(value)[..8].to_owned()
}
