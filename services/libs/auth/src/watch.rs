//! Looks again and again at what is mounted, for as long as anybody needs it.
//!
//! Keys come as mounted Secrets and the like, whose files are symbolic links that the kubelet replaces in one step. They are a handful of
//! small files that change a few times a year, so reading them every second is cheaper than being told, and misses nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long a change can go unseen.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What follows files, and how often they were looked at.
#[derive(Debug)]
pub(crate) struct Watched<T> {
    pub(crate) value: T,
    looks: AtomicU64,
}

impl<T> Watched<T> {
    pub(crate) fn new(value: T) -> Arc<Self> {
        Arc::new(Self { value, looks: AtomicU64::new(0) })
    }

    /// How many looks have ended.
    pub(crate) fn looks(&self) -> u64 {
        self.looks.load(Ordering::Acquire)
    }
}

/// Lets `look` look at the files every second, in a thread of its own, until nobody holds `held` any more.
pub(crate) fn watch<T: Send + Sync + 'static>(
    name: &'static str,
    held: &Arc<Watched<T>>,
    mut look: impl FnMut(&T) + Send + 'static,
) {
    let held: Weak<Watched<T>> = Arc::downgrade(held);
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        loop {
            std::thread::sleep(LOOK_AGAIN);
            let Some(held) = held.upgrade() else { return };
            look(&held.value);
            held.looks.fetch_add(1, Ordering::Release);
        }
    });
    if let Err(error) = spawned {
        tracing::error!(%error, name, "no thread to look for changes: keys stay as they are until a restart");
    }
}
