//! What a watch of all Stores tells, with the time at which it told it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use futures::StreamExt;
use kube::{
    Api, Client, ResourceExt,
    runtime::{WatchStreamExt, watcher},
};
use shopkeeper_api::Store;
use tokio::{sync::watch, task::JoinHandle};

/// Nothing here takes longer, unless it never comes.
const LIMIT: Duration = Duration::from_secs(120);

/// What is known of a Store.
#[derive(Clone, Copy, Debug)]
struct Known {
    observed: i64,
    /// When that generation was first seen to be observed.
    since: Instant,
    ready: bool,
}

/// What a watch of all Stores tells. Stores are known by their namespace, as there is one in each.
pub(crate) struct Watched {
    known: Arc<Mutex<HashMap<String, Known>>>,
    changed: watch::Receiver<()>,
    task: JoinHandle<()>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(known: &Mutex<HashMap<String, Known>>) -> MutexGuard<'_, HashMap<String, Known>> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watched {
    pub(crate) fn start(client: Client) -> Self {
        let known: Arc<Mutex<HashMap<String, Known>>> = Arc::default();
        let (tell, changed) = watch::channel(());
        let seen = known.clone();
        let task = tokio::spawn(async move {
            let events = watcher(Api::<Store>::all(client), watcher::Config::default()).default_backoff();
            let mut stores = Box::pin(events.applied_objects());
            while let Some(store) = stores.next().await {
                let Ok(store) = store else { continue };
                note(&mut lock(&seen), &store);
                tell.send_replace(());
            }
        });
        Self { known, changed, task }
    }

    /// When this generation of a namespace's Store was observed.
    pub(crate) async fn observed(&self, namespace: &str, generation: i64) -> anyhow::Result<Instant> {
        let find = |known: &HashMap<String, Known>| {
            known.get(namespace).filter(|known| known.observed >= generation).map(|known| known.since)
        };
        self.until(find).await.with_context(|| format!("generation {generation} in {namespace} was not observed"))
    }

    /// Waits until so many Stores are Ready, as long as there is progress.
    pub(crate) async fn ready(&self, count: usize) -> anyhow::Result<()> {
        let mut before = 0;
        loop {
            let goal = count.min(before + 1);
            let ready = |known: &HashMap<String, Known>| known.values().filter(|known| known.ready).count();
            let reached = self.until(|known| Some(ready(known)).filter(|ready| *ready >= goal)).await;
            before = reached.with_context(|| format!("{before} of {count} Stores became Ready"))?;
            if before >= count {
                return Ok(());
            }
        }
    }

    async fn until<T>(&self, find: impl Fn(&HashMap<String, Known>) -> Option<T>) -> anyhow::Result<T> {
        let mut changed = self.changed.clone();
        let search = async {
            loop {
                changed.borrow_and_update();
                if let Some(found) = find(&lock(&self.known)) {
                    return anyhow::Ok(found);
                }
                changed.changed().await?;
            }
        };
        tokio::time::timeout(LIMIT, search).await.context("it took too long")?
    }
}

fn note(known: &mut HashMap<String, Known>, store: &Store) {
    let status = store.status.clone().unwrap_or_default();
    let observed = status.observed_generation.unwrap_or_default();
    let ready = status.conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    let entry =
        known.entry(store.namespace().unwrap_or_default()).or_insert(Known { observed, since: Instant::now(), ready });
    if entry.observed != observed {
        (entry.observed, entry.since) = (observed, Instant::now());
    }
    entry.ready = ready;
}
