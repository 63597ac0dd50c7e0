//! Invalidations that Redis has still to be told of. Until it was, what it has of them is not served by this pod.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shop_policy::CacheName;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::staleness::GRACE;
use crate::{Pending, Tag};

/// Of more keys or tags than these, everything is invalidated instead.
const MOST: usize = 10_000;

/// Commits that were no further apart are told of as one, so that a long time without Redis does not end with as many messages as there were
/// writes.
const SAME_MOMENT: Duration = Duration::from_millis(100);

/// Invalidations that Redis has still to be told of, the same one once, with the first commit that Redis has not heard of.
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
    keys: BTreeMap<String, Instant>,
    tags: BTreeMap<Tag, Instant>,
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
        self.all
            || self.keys.contains_key(key)
            || (!self.tags.is_empty() && tags.any(|tag| self.tags.contains_key(tag)))
    }

    fn len(&self) -> usize {
        self.keys.len() + self.tags.len() + usize::from(self.all)
    }

    fn pending(&self, cache: CacheName) -> impl Iterator<Item = (Pending, Instant)> {
        let of = move |keys, tags| Pending { cache, schema: self.schema, keys, tags };
        let keys = by_moment(&self.keys).into_iter().map(move |(keys, at)| (of(keys, Vec::new()), at));
        let tags = by_moment(&self.tags).into_iter().map(move |(tags, at)| (of(Vec::new(), tags), at));
        // Of everything it is not measured how stale it was.
        keys.chain(tags).chain(self.all.then(|| (of(Vec::new(), Vec::new()), Instant::now())))
    }
}

/// Notes something under the first of its moments.
fn note_first<T: Ord>(things: &mut BTreeMap<T, Instant>, thing: T, at: Instant) {
    things.entry(thing).and_modify(|first| *first = at.min(*first)).or_insert(at);
}

/// What has about the same moment, together, with the last of these: no answer is taken to have been stale before it was. What is so old that
/// answers since are settled is together too.
fn by_moment<T: Clone>(things: &BTreeMap<T, Instant>) -> Vec<(Vec<T>, Instant)> {
    let settled = Instant::now().checked_sub(GRACE);
    let mut in_order: Vec<_> =
        things.iter().map(|(thing, at)| (thing, settled.map_or(*at, |to| to.max(*at)))).collect();
    in_order.sort_by_key(|(_, at)| *at);
    let mut groups: Vec<(Vec<T>, Instant)> = Vec::new();
    let mut began = None;
    for (thing, at) in in_order {
        match groups.last_mut() {
            Some((group, last)) if began.is_some_and(|began| at.duration_since(began) <= SAME_MOMENT) => {
                group.push(thing.clone());
                *last = at;
            }
            _ => {
                groups.push((vec![thing.clone()], at));
                began = Some(at);
            }
        }
    }
    groups
}

impl Waiting {
    /// Notes an invalidation by something that was committed at that moment; one without keys and tags is of everything.
    pub(crate) fn note(&self, pending: Pending, committed: Instant) {
        {
            let mut lists = self.lists();
            let noted = lists.waiting.entry(pending.cache).or_default();
            noted.all |= pending.keys.is_empty() && pending.tags.is_empty();
            noted.schema = noted.schema.max(pending.schema);
            pending.keys.into_iter().for_each(|key| note_first(&mut noted.keys, key, committed));
            pending.tags.into_iter().for_each(|tag| note_first(&mut noted.tags, tag, committed));
            noted.settle();
        }
        self.noted.notify_one();
    }

    /// Waits until something was noted since the last call.
    pub(crate) async fn noted(&self) {
        self.noted.notified().await;
    }

    /// Begins to tell Redis of all that waits, with when it was committed. It goes on to be covered until [`Waiting::told`].
    pub(crate) fn tell(&self) -> Vec<(Pending, Instant)> {
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

    /// As at one moment.
    fn note(waiting: &Waiting, pending: Pending) {
        waiting.note(pending, Instant::now());
    }

    fn told(waiting: &Waiting) -> Vec<Pending> {
        waiting.tell().into_iter().map(|(pending, _)| pending).collect()
    }

    #[test]
    fn redis_is_told_of_the_first_commit_that_it_has_not_heard_of_and_of_near_ones_together() {
        let (waiting, began) = (Waiting::default(), Instant::now());
        let after = |millis| began + Duration::from_millis(millis);
        for (key, millis) in [("1", 0), ("2", 60), ("3", 120), ("4", 900), ("1", 950)] {
            waiting.note(keys([key.to_owned()]), after(millis));
        }
        let of = |names: &[&str]| keys(names.iter().map(ToString::to_string));
        let untold = waiting.tell();
        assert_eq!(untold, [(of(&["1", "2"]), after(60)), (of(&["3"]), after(120)), (of(&["4"]), after(900))]);
        // It could not be told: the moments stay.
        for (pending, committed) in untold {
            waiting.note(pending, committed);
        }
        waiting.told();
        assert_eq!(waiting.tell()[0], (of(&["1", "2", "3"]), after(120)));
    }

    #[test]
    fn a_long_time_without_redis_does_not_end_with_a_message_for_each_write() {
        let (waiting, now) = (Waiting::default(), Instant::now());
        for seconds in 0..50 {
            let Some(long_ago) = now.checked_sub(GRACE + Duration::from_secs(seconds)) else { continue };
            waiting.note(keys([seconds.to_string()]), long_ago);
        }
        let count = waiting.len();
        let [(Pending { keys, .. }, _)] = &waiting.tell()[..] else { panic!("one message") };
        assert_eq!(keys.len(), count);
    }

    #[test]
    fn the_same_invalidation_waits_once() {
        let waiting = Waiting::default();
        note(&waiting, keys(["1".to_owned()]));
        note(&waiting, keys(["1".to_owned(), "2".to_owned()]));
        assert_eq!(waiting.len(), 2);
        assert_eq!(told(&waiting), [keys(["1".to_owned(), "2".to_owned()])]);
        assert_eq!(waiting.len(), 2, "Redis has not heard of it yet");
        waiting.told();
        assert_eq!(waiting.len(), 0);
    }

    #[test]
    fn too_many_become_one_invalidation_of_everything() {
        let waiting = Waiting::default();
        note(&waiting, keys((0..=MOST).map(|key| key.to_string())));
        assert!(waiting.covers(CACHE, "whatever", &std::iter::empty(), waiting.round()));
        assert_eq!(told(&waiting), [keys([])]);
    }

    #[test]
    fn what_waits_is_covered_by_its_key_or_a_tag_until_redis_was_told() {
        let waiting = Waiting::default();
        let asked = waiting.round();
        let covered = |key: &str, tags: &[&str]| waiting.covers(CACHE, key, &tags.iter().copied(), asked);
        note(&waiting, keys(["1".to_owned()]));
        note(&waiting, Pending { tags: vec![Tag::new("part", 5)], ..keys([]) });
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
        note(&waiting, keys(["1".to_owned()]));
        waiting.tell();
        note(&waiting, keys(["1".to_owned()]));
        waiting.told();
        assert!(waiting.covers(CACHE, "1", &std::iter::empty(), waiting.round()));
        assert_eq!(told(&waiting), [keys(["1".to_owned()])]);
        waiting.told();
        assert_eq!(waiting.len(), 0);
    }

    #[test]
    fn an_answer_that_redis_was_asked_for_before_it_was_told_is_covered_when_nothing_waits_any_more() {
        let waiting = Waiting::default();
        note(&waiting, keys(["1".to_owned()]));
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
