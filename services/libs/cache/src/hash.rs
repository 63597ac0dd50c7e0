//! Hashes of keys and tags, within a process.

use std::hash::{BuildHasher as _, Hasher as _};
use std::hash::{DefaultHasher, RandomState};
use std::sync::OnceLock;

/// A number for a key or a tag, other ones in each process: nobody outside can choose keys that collide.
pub(crate) fn hash(kind: u8, text: &str) -> u64 {
    static STATE: OnceLock<RandomState> = OnceLock::new();
    let mut hasher: DefaultHasher = STATE.get_or_init(RandomState::new).build_hasher();
    hasher.write_u8(kind);
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// Of a key.
pub(crate) fn of_key(key: &str) -> u64 {
    hash(0, key)
}

/// Of a tag.
pub(crate) fn of_tag(tag: &str) -> u64 {
    hash(1, tag)
}

/// The same number in every process, to spread lifetimes by: FNV-1a.
pub(crate) fn stable(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
