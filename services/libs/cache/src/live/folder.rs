//! Follows the document in a folder.
//!
//! The folder is a mounted ConfigMap: its files are symbolic links through `..data`, which the kubelet replaces in one step. So the folder
//! is watched, not the file. Notices can be lost (a full queue, a folder that was made anew), so the document is also read every now
//! and then.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use shop_policy::{DOCUMENT_FILE, PolicyDocument};

use super::Live;

/// How long a change can go unseen when its notice was lost.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Takes over what is in the folder now, and in a thread of its own what will be, until nobody holds the policies any more.
pub(super) fn follow(live: &Arc<Live>, folder: PathBuf) {
    let mut follower = Follower { live: Arc::downgrade(live), file: folder.join(DOCUMENT_FILE), last: Seen::Nothing };
    follower.look(live);
    let spawned = std::thread::Builder::new().name("cache-policies".into()).spawn(move || follower.run(&folder));
    if let Err(error) = spawned {
        tracing::error!(%error, "no thread to follow the cache policies: they stay as they are until a restart");
    }
}

/// What was found last, so that each change is looked at and told of once.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    Text(String),
    Failure(io::ErrorKind),
}

struct Follower {
    live: Weak<Live>,
    file: PathBuf,
    last: Seen,
}

impl Follower {
    fn run(mut self, folder: &Path) {
        let mut notices = Notices::of(folder);
        // Something may have come between the first look and the watch.
        let mut told = true;
        while let Some(live) = self.live.upgrade() {
            let changed = self.look(&live);
            drop(live);
            // A change without a notice: the folder that is watched is not the one that is there now.
            if (changed && !told) || notices.is_none() {
                notices = Notices::of(folder);
            }
            told = notices.as_ref().is_some_and(Notices::wait);
            if notices.is_none() {
                std::thread::sleep(LOOK_AGAIN);
            }
        }
    }

    /// Takes over the document if it is another one; whether it was.
    fn look(&mut self, live: &Live) -> bool {
        let found = match std::fs::read_to_string(&self.file) {
            Ok(text) => Seen::Text(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Seen::Nothing,
            Err(error) => Seen::Failure(error.kind()),
        };
        if found == self.last {
            return false;
        }
        match &found {
            Seen::Nothing => {
                tracing::warn!(file = %self.file.display(), "the cache policies are gone; the last ones stay in force");
            }
            Seen::Failure(kind) => live.reject(format!("{DOCUMENT_FILE} can't be read: {kind}")),
            Seen::Text(text) => match PolicyDocument::parse(text) {
                Ok(document) => live.take_over(&document),
                Err(error) => live.reject(error.to_string()),
            },
        }
        self.last = found;
        true
    }
}

/// Notices of changes in a folder.
struct Notices {
    changes: Receiver<()>,
    _watcher: RecommendedWatcher,
}

impl Notices {
    fn of(folder: &Path) -> Option<Self> {
        // One notice that waits says as much as many.
        let (sender, changes) = sync_channel(1);
        match watch(folder, sender) {
            Ok(watcher) => Some(Self { changes, _watcher: watcher }),
            Err(error) => {
                tracing::debug!(%error, folder = %folder.display(), "no notices of changed cache policies; they are looked for instead");
                None
            }
        }
    }

    /// Waits for a notice, or until it is time to look without one; whether there was one.
    fn wait(&self) -> bool {
        match self.changes.recv_timeout(LOOK_AGAIN) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(LOOK_AGAIN);
                false
            }
        }
    }
}

fn watch(folder: &Path, sender: SyncSender<()>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // Reading is an event as well, and would notice itself.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            let _ = sender.try_send(());
        }
    })?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}
