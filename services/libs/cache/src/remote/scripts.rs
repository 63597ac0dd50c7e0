//! The scripts. Every script is one step: Redis runs nothing else meanwhile. Before each stands what it needs of what they share, and nothing
//! else: Redis makes these functions anew with each call.

use std::sync::OnceLock;

use redis::Script;

macro_rules! script {
    ($name:literal $(, $shared:literal)*) => {
        Script::new(concat!($(include_str!(concat!("shared/", $shared)),)* include_str!($name)))
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
            read: script!("read.lua", "text.lua", "entry.lua"),
            lease: script!(
                "lease.lua",
                "microseconds.lua",
                "text.lua",
                "get.lua",
                "sequence.lua",
                "entry.lua",
                "writers.lua"
            ),
            fill: script!("fill.lua", "microseconds.lua", "text.lua", "get.lua", "sequence.lua", "markers.lua"),
            release: script!("release.lua", "get.lua"),
            begin: script!("begin.lua", "microseconds.lua", "text.lua", "get.lua", "sequence.lua", "writers.lua"),
            put: script!(
                "put.lua",
                "microseconds.lua",
                "text.lua",
                "get.lua",
                "sequence.lua",
                "writers.lua",
                "markers.lua",
                "publish.lua"
            ),
            drop: script!("drop.lua", "microseconds.lua", "text.lua", "writers.lua", "publish.lua"),
            abort: script!("abort.lua"),
            tags: script!("tags.lua", "microseconds.lua", "text.lua", "get.lua", "sequence.lua", "publish.lua"),
            beat: script!("beat.lua", "microseconds.lua", "text.lua", "publish.lua"),
        })
    }
}
