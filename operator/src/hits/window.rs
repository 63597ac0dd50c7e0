//! The last rounds of asking in which anything was asked for.

use std::collections::{BTreeMap, HashMap, VecDeque};

use shop_policy::CacheName;

use super::HitRatios;
use crate::policies::PodSeen;

/// So many rounds are counted together.
const ROUNDS: usize = 5;

/// Of fewer answers than these no share is told: it would jump about.
const ENOUGH: u64 = 20;

/// What one pod has counted since its process began.
pub(super) type Counts = BTreeMap<CacheName, Count>;

/// A pod that was asked.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) pod: PodSeen,
    /// `None`: it did not answer. It counts on, and tells it all the next time.
    pub(super) counts: Option<Counts>,
}

/// Answers of a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) hits: u64,
    pub(super) misses: u64,
}

impl Count {
    fn answers(self) -> u64 {
        self.hits.saturating_add(self.misses)
    }

    fn add(&mut self, other: Self) {
        self.hits = self.hits.saturating_add(other.hits);
        self.misses = self.misses.saturating_add(other.misses);
    }

    /// What came after an earlier count of the same process.
    fn since(self, earlier: Self) -> Self {
        Self { hits: self.hits.saturating_sub(earlier.hits), misses: self.misses.saturating_sub(earlier.misses) }
    }

    /// The share of hits in hundredths; a whole one only if nothing was missed.
    fn ratio(self) -> Option<u8> {
        let answers = self.answers();
        (answers >= ENOUGH).then(|| u8::try_from(u128::from(self.hits) * 100 / u128::from(answers)).unwrap_or(100))
    }
}

/// The last rounds of one Store.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// What each pod had counted in the last round, and which process that was.
    pods: HashMap<String, (Process, Counts)>,
    rounds: VecDeque<Counts>,
}

/// Another process begins to count anew.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    uid: String,
    restarts: i32,
}

impl Window {
    /// The shares after another round; `None` if nothing was asked for since the last one.
    pub(super) fn after(&mut self, answers: &[Answered]) -> Option<HitRatios> {
        let round = self.round(answers);
        if round.values().all(|count| count.answers() == 0) {
            return None;
        }
        self.rounds.push_back(round);
        if self.rounds.len() > ROUNDS {
            self.rounds.pop_front();
        }
        Some(self.ratios())
    }

    /// What all pods have counted since they were asked last. Who is asked for the first time only begins to be counted: what it had counted
    /// may be of long ago.
    fn round(&mut self, answers: &[Answered]) -> Counts {
        let mut round = Counts::new();
        for Answered { pod, counts } in answers {
            let Some(counts) = counts else { continue };
            let process = Process { uid: pod.uid.clone(), restarts: pod.restarts };
            let former = self.pods.insert(pod.name.clone(), (process.clone(), counts.clone()));
            let Some((former_process, former)) = former else { continue };
            for (&cache, &count) in counts {
                let earlier = former.get(&cache).filter(|_| former_process == process).copied().unwrap_or_default();
                round.entry(cache).or_default().add(count.since(earlier));
            }
        }
        self.pods.retain(|name, _| answers.iter().any(|answered| answered.pod.name == *name));
        round
    }

    fn ratios(&self) -> HitRatios {
        let (mut all, mut caches) = (Count::default(), Counts::new());
        for (&cache, &count) in self.rounds.iter().flatten() {
            all.add(count);
            caches.entry(cache).or_default().add(count);
        }
        let caches = caches.into_iter().filter_map(|(cache, count)| Some((cache, count.ratio()?))).collect();
        HitRatios { all: all.ratio(), caches }
    }
}

#[cfg(test)]
mod tests {
    use shopkeeper_plan::Component;

    use super::*;

    fn pod(name: &str, restarts: i32) -> PodSeen {
        PodSeen {
            name: name.into(),
            component: Component::Catalog,
            uid: format!("uid-{name}"),
            restarts,
            address: Some("127.0.0.2".into()),
            ready: true,
        }
    }

    /// The pod answers that it has counted so much of products.
    fn says(name: &str, restarts: i32, hits: u64, misses: u64) -> Answered {
        let counts = Some([(CacheName::Products, Count { hits, misses })].into());
        Answered { pod: pod(name, restarts), counts }
    }

    #[test]
    fn the_share_is_that_of_all_pods_since_they_were_asked_first() {
        let mut window = Window::default();
        assert_eq!(window.after(&[says("a", 0, 1_000, 0), says("b", 0, 0, 1_000)]), None);
        let ratios = window.after(&[says("a", 0, 1_090, 0), says("b", 0, 0, 1_010)]);
        assert_eq!(ratios, Some(HitRatios { all: Some(90), caches: [(CacheName::Products, 90)].into() }));
    }

    #[test]
    fn a_shop_that_is_asked_for_nothing_has_nothing_to_tell() {
        let mut window = Window::default();
        for _ in 0..3 {
            assert_eq!(window.after(&[says("a", 0, 70, 30)]), None);
        }
    }

    #[test]
    fn a_process_that_began_anew_is_counted_from_its_beginning() {
        let mut window = Window::default();
        window.after(&[says("a", 0, 1_000, 1_000)]);
        let ratios = window.after(&[says("a", 1, 30, 10)]);
        assert_eq!(ratios.and_then(|ratios| ratios.all), Some(75));
    }

    #[test]
    fn a_pod_that_does_not_answer_for_once_tells_it_all_the_next_time() {
        let mut window = Window::default();
        window.after(&[says("a", 0, 0, 0)]);
        assert_eq!(window.after(&[Answered { pod: pod("a", 0), counts: None }]), None);
        let ratios = window.after(&[says("a", 0, 60, 40)]);
        assert_eq!(ratios.and_then(|ratios| ratios.all), Some(60));
    }

    #[test]
    fn rounds_of_long_ago_do_not_count() {
        let mut window = Window::default();
        window.after(&[says("a", 0, 0, 0)]);
        window.after(&[says("a", 0, 0, 1_000)]);
        let mut last = None;
        for round in 1..=5 {
            last = window.after(&[says("a", 0, round * 100, 1_000)]);
        }
        assert_eq!(last.and_then(|ratios| ratios.all), Some(100));
    }

    #[test]
    fn of_a_few_answers_no_share_is_told() {
        let mut window = Window::default();
        window.after(&[says("a", 0, 0, 0)]);
        assert_eq!(window.after(&[says("a", 0, 19, 0)]), Some(HitRatios::default()));
    }

    #[test]
    fn a_whole_share_means_that_nothing_was_missed() {
        assert_eq!(Count { hits: 99_999, misses: 1 }.ratio(), Some(99));
        assert_eq!(Count { hits: u64::MAX, misses: u64::MAX }.ratio(), Some(100));
    }
}
