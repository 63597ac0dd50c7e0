//! How often the caches of each shop had the answer, from what its pods count.
//!
//! Every pod is asked now and then for its counters, never by a reconcile. A Store's status is touched only when a share has moved by
//! [`TOLD`], and only what was asked for meanwhile moves it, so that a shop at rest causes no write.

mod window;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    stream,
};
use http::StatusCode;
use serde::Deserialize;
use shop_policy::CacheName;
use tokio::time::MissedTickBehavior;

use window::{Answered, Count, Counts, Window};

use crate::{
    observed::StoreName,
    pod_port,
    policies::{PodSeen, Policies},
};

/// Pods that are asked at the same time, of all Stores together.
const ASKED_AT_ONCE: usize = 32;

/// A share is told again when it has moved by as many hundredths.
const TOLD: u8 = 2;

/// The share of the answers that caches had, in hundredths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HitRatios {
    /// Of all caches together.
    pub all: Option<u8>,
    /// One by one, those that were asked for anything.
    pub caches: BTreeMap<CacheName, u8>,
}

impl HitRatios {
    /// Whether these say so much else that people should know.
    fn differ_from(&self, told: &Self) -> bool {
        let moved = |new: Option<u8>, old: Option<u8>| match (new, old) {
            (Some(new), Some(old)) => new.abs_diff(old) >= TOLD,
            (new, old) => new != old,
        };
        moved(self.all, told.all)
            || self.caches.iter().any(|(cache, &ratio)| moved(Some(ratio), told.caches.get(cache).copied()))
    }
}

/// What is known of all Stores.
pub struct Hits {
    policies: Arc<Policies>,
    port: u16,
    news: UnboundedSender<StoreName>,
    known: Mutex<HashMap<StoreName, Known>>,
}

#[derive(Debug, Default)]
struct Known {
    window: Window,
    /// What the status may tell.
    told: HitRatios,
}

impl Hits {
    /// Knows of nothing yet. The receiver tells of Stores whose status has something new to tell.
    pub fn new(policies: Arc<Policies>, port: u16) -> (Self, UnboundedReceiver<StoreName>) {
        let (news, told) = unbounded();
        (Self { policies, port, news, known: Mutex::default() }, told)
    }

    /// What is known of a Store; `None` before its pods were asked for anything, as after a start of the operator.
    pub fn of(&self, store: &StoreName) -> Option<HitRatios> {
        self.lock().get(store).map(|known| known.told.clone())
    }

    /// Asks all pods again and again.
    pub async fn keep_asking(&self, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.ask_all().await;
        }
    }

    async fn ask_all(&self) {
        let running = self.policies.running();
        self.lock().retain(|store, _| running.iter().any(|(it, _)| it == store));
        let pods = running.into_iter().flat_map(|(store, pods)| pods.into_iter().map(move |pod| (store.clone(), pod)));
        let mut answers: HashMap<StoreName, Vec<Answered>> = HashMap::new();
        let mut asked = stream::iter(pods)
            .map(|(store, pod)| async {
                let counts = ask(&pod, self.port).await;
                (store, Answered { pod, counts })
            })
            .buffer_unordered(ASKED_AT_ONCE);
        while let Some((store, answered)) = asked.next().await {
            answers.entry(store).or_default().push(answered);
        }
        for (store, answers) in answers {
            self.take_in(store, &answers);
        }
    }

    fn take_in(&self, store: StoreName, answers: &[Answered]) {
        let mut known = self.lock();
        let of_store = known.entry(store.clone()).or_default();
        let Some(ratios) = of_store.window.after(answers) else { return };
        if ratios.differ_from(&of_store.told) {
            of_store.told = ratios;
            // Nobody listens any more only when the operator ends.
            let _ = self.news.unbounded_send(store);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StoreName, Known>> {
        // Every change is complete before anything can panic, so a poisoned lock still guards sound data.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What of a pod's statistics matters here.
#[derive(Deserialize)]
struct Statistics {
    caches: Vec<Statistic>,
}

#[derive(Deserialize)]
struct Statistic {
    name: String,
    local_hits: u64,
    redis_hits: u64,
    misses: u64,
}

/// What a pod has counted; `None` if it does not say.
async fn ask(pod: &PodSeen, port: u16) -> Option<Counts> {
    match pod_port::get(pod.address.as_deref()?, port, "/cache/stats").await {
        Ok((StatusCode::OK, body)) => read(&body),
        _ => None,
    }
}

fn read(body: &[u8]) -> Option<Counts> {
    let Statistics { caches } = serde_json::from_slice(body).ok()?;
    let count = |it: Statistic| {
        // A pod of another version may have caches that are not known here.
        let cache = CacheName::parse(&it.name).ok()?;
        Some((cache, Count { hits: it.local_hits.saturating_add(it.redis_hits), misses: it.misses }))
    };
    Some(caches.into_iter().filter_map(count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_those_of_memory_and_of_redis_and_unknown_caches_are_left_out() {
        let body = br#"{"policy": {}, "caches": [
            {"name": "products", "local_hits": 5, "redis_hits": 2, "misses": 3, "loads": 1},
            {"name": "horoscopes", "local_hits": 9, "redis_hits": 9, "misses": 9}
        ]}"#;
        let counts = read(body).expect("statistics");
        assert_eq!(counts, [(CacheName::Products, Count { hits: 7, misses: 3 })].into());
        assert_eq!(read(b"rubbish"), None);
    }

    #[test]
    fn a_share_that_moved_by_a_hundredth_is_not_told_again() {
        let ratios = |all, products| HitRatios { all: Some(all), caches: [(CacheName::Products, products)].into() };
        assert!(!ratios(90, 91).differ_from(&ratios(91, 90)));
        assert!(ratios(90, 92).differ_from(&ratios(91, 90)));
        assert!(ratios(90, 90).differ_from(&HitRatios::default()));
    }
}
