//! Hashes that tell whether two objects are the same.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// Hash of a value's JSON form, in hex.
pub fn hash<T: Serialize + ?Sized>(value: &T) -> String {
    // Objects built from string keys always serialise; the empty text would only cause one apply too many.
    let text = serde_json::to_vec(value).unwrap_or_default();
    hex::encode(&Sha256::digest(&text)[..16])
}

/// The first 8 hex digits: short enough for names.
pub fn short_hash<T: Serialize + ?Sized>(value: &T) -> String {
    hash(value)[..8].to_owned()
}
