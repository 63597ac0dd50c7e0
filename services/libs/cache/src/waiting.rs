//! Invalidations that Redis has still to be told of. Until it was, what it has of them is not served by this pod.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use shop_policy::CacheName;
use tokio::sync::Notify;

use crate::{Pending, Tag};

/// Of more keys or tags than these, everything is invalidated instead.
const MOST: usize = 10_000;

/// Invalidations that Redis has still to be told of, the same one once.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    lists: Mutex<Lists>,
    noted: Notify,
}

#[derive(Debug, Default)]
struct Lists {
    waiting: HashMap<CacheName, Noted>,
    /// What Redis is being told of: it may not have heard of it yet.
    underway: HashMap<CacheName, Noted>,
    round: Round,
}

/// How often Redis was told of something. Who reads from it notes that before, as the answer may have left Redis before it was told and come after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Round(u64);

#[derive(Clone, Debug, Default)]
struct Noted {
    schema: u32,
    keys: BTreeSet<String>,
    tags: BTreeSet<Tag>,
    all: bool,
}

impl Noted {
    /// Everything stands for each single thing.
    fn settle(&mut self) {
        if self.all || self.keys.len() + self.tags.len() > MOST {
            self.all = true;
            self.keys.clear();
            self.tags.clear();
        }
    }

    fn covers<'a>(&self, key: &str, mut tags: impl Iterator<Item = &'a str>) -> bool {
        self.all || self.keys.contains(key) || (!self.tags.is_empty() && tags.any(|tag| self.tags.contains(tag)))
    }

    fn len(&self) -> usize {
        self.keys.len() + self.tags.len() + usize::from(self.all)
    }

    fn pending(&self, cache: CacheName) -> impl Iterator<Item = Pending> {
        let of = |keys, tags| Pending { cache, schema: self.schema, keys, tags };
        let keys = (!self.keys.is_empty()).then(|| of(self.keys.iter().cloned().collect(), Vec::new()));
        let tags = (!self.tags.is_empty()).then(|| of(Vec::new(), self.tags.iter().cloned().collect()));
        [keys, tags, self.all.then(|| of(Vec::new(), Vec::new()))].into_iter().flatten()
    }
}

impl Waiting {
    /// Notes an invalidation; one without keys and tags is of everything.
    pub(crate) fn note(&self, pending: Pending) {
        {
            let mut lists = self.lists();
            let noted = lists.waiting.entry(pending.cache).or_default();
            noted.all |= pending.keys.is_empty() && pending.tags.is_empty();
            noted.schema = noted.schema.max(pending.schema);
            noted.keys.extend(pending.keys);
            noted.tags.extend(pending.tags);
            noted.settle();
        }
        self.noted.notify_one();
    }

    /// Waits until something was noted since the last call.
    pub(crate) async fn noted(&self) {
        self.noted.notified().await;
    }

    /// Begins to tell Redis of all that waits. It goes on to be covered until [`Waiting::told`].
    pub(crate) fn tell(&self) -> Vec<Pending> {
        let mut lists = self.lists();
        lists.underway = std::mem::take(&mut lists.waiting);
        lists.underway.iter().flat_map(|(cache, noted)| noted.pending(*cache)).collect()
    }

    /// Redis was told; what it was not told of has been noted again.
    pub(crate) fn told(&self) {
        let mut lists = self.lists();
        if !lists.underway.is_empty() {
            lists.underway.clear();
            lists.round.0 += 1;
        }
    }

    /// The round before a read.
    pub(crate) fn round(&self) -> Round {
        self.lists().round
    }

    /// Whether an entry that Redis had under this key, with these tags, may be one that it should have dropped. Who asked for it in a round that is
    /// over may have got anything that Redis was told of since.
    pub(crate) fn covers<'a>(
        &self,
        cache: CacheName,
        key: &str,
        tags: &(impl Iterator<Item = &'a str> + Clone),
        asked: Round,
    ) -> bool {
        let lists = self.lists();
        let covers = |list: &HashMap<_, Noted>| list.get(&cache).is_some_and(|noted| noted.covers(key, tags.clone()));
        lists.round != asked || covers(&lists.waiting) || covers(&lists.underway)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        let lists = self.lists();
        lists.waiting.values().chain(lists.underway.values()).map(Noted::len).sum()
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CACHE: CacheName = CacheName::Products;

    fn keys(keys: impl IntoIterator<Item = String>) -> Pending {
        Pending { cache: CACHE, schema: 3, keys: keys.into_iter().collect(), tags: Vec::new() }
    }

    #[test]
    fn the_same_invalidation_waits_once() {
        let waiting = Waiting::default();
        waiting.note(keys(["1".to_owned()]));
        waiting.note(keys(["1".to_owned(), "2".to_owned()]));
        assert_eq!(waiting.len(), 2);
        assert_eq!(waiting.tell(), [keys(["1".to_owned(), "2".to_owned()])]);
        assert_eq!(waiting.len(), 2, "Redis has not heard of it yet");
        waiting.told();
        assert_eq!(waiting.len(), 0);
    }

    #[test]
    fn too_many_become_one_invalidation_of_everything() {
        let waiting = Waiting::default();
        waiting.note(keys((0..=MOST).map(|key| key.to_string())));
        assert!(waiting.covers(CACHE, "whatever", &std::iter::empty(), waiting.round()));
        assert_eq!(waiting.tell(), [keys([])]);
    }

    #[test]
    fn what_waits_is_covered_by_its_key_or_a_tag_until_redis_was_told() {
        let waiting = Waiting::default();
        let asked = waiting.round();
        let covered = |key: &str, tags: &[&str]| waiting.covers(CACHE, key, &tags.iter().copied(), asked);
        waiting.note(keys(["1".to_owned()]));
        waiting.note(Pending { tags: vec![Tag::new("part", 5)], ..keys([]) });
        for _ in ["before it is told", "while it is told"] {
            assert!(covered("1", &[]) && covered("2", &["part:4", "part:5"]));
            assert!(!covered("2", &["part:4"]));
            assert!(!waiting.covers(CacheName::Cart, "1", &std::iter::empty(), asked), "another cache");
            waiting.tell();
        }
    }

    #[test]
    fn what_is_noted_while_redis_is_told_goes_on_to_wait() {
        let waiting = Waiting::default();
        waiting.note(keys(["1".to_owned()]));
        waiting.tell();
        waiting.note(keys(["1".to_owned()]));
        waiting.told();
        assert!(waiting.covers(CACHE, "1", &std::iter::empty(), waiting.round()));
        assert_eq!(waiting.tell(), [keys(["1".to_owned()])]);
        waiting.told();
        assert_eq!(waiting.len(), 0);
    }

    #[test]
    fn an_answer_that_redis_was_asked_for_before_it_was_told_is_covered_when_nothing_waits_any_more() {
        let waiting = Waiting::default();
        waiting.note(keys(["1".to_owned()]));
        let before = waiting.round();
        waiting.tell();
        waiting.told();
        let after = waiting.round();
        let covered = |asked| waiting.covers(CACHE, "1", &std::iter::empty(), asked);
        assert!(covered(before) && !covered(after));
        waiting.tell();
        waiting.told();
        assert!(!covered(after), "Redis was told of nothing");
    }
}
