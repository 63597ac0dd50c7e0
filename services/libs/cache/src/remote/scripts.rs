//! The scripts, with what they share before each.

use std::sync::OnceLock;

use redis::Script;

macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(include_str!("prelude.lua"), include_str!($name)))
    };
}

/// Every step of the protocol.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) read: Script,
    pub(super) lease: Script,
    pub(super) fill: Script,
    pub(super) release: Script,
    pub(super) begin: Script,
    pub(super) put: Script,
    pub(super) drop: Script,
    pub(super) abort: Script,
    pub(super) tags: Script,
    pub(super) beat: Script,
}

impl Scripts {
    /// The scripts, hashed once.
    pub(super) fn get() -> &'static Self {
        static SCRIPTS: OnceLock<Scripts> = OnceLock::new();
        SCRIPTS.get_or_init(|| Self {
            read: script!("read.lua"),
            lease: script!("lease.lua"),
            fill: script!("fill.lua"),
            release: script!("release.lua"),
            begin: script!("begin.lua"),
            put: script!("put.lua"),
            drop: script!("drop.lua"),
            abort: script!("abort.lua"),
            tags: script!("tags.lua"),
            beat: script!("beat.lua"),
        })
    }
}
