//! How old what was served was, against the newest version there was.
//!
//! Of a sampled set of keys (see [`crate::sample`]) the moments are kept at which the memory of this pod answered. When it is heard that
//! a key was changed, and when that was committed, each answer since becomes an observation: nothing, if it was given before the commit
//! or had been loaded after it; otherwise the time between the commit and the answer. An answer of which nothing bad is heard for
//! [`GRACE`] was fresh. That is longer than an entry lives in a pod's memory by default, so an invalidation that comes late (Redis was
//! away and is told from the outbox) still finds the answers that were wrong, even if their entry has ended meanwhile.
//!
//! **Memory.** At most `max_keys` keys with [`MOMENTS`] moments each. If a key is asked for more often than that, neighbouring answers
//! are put together: they count as many, at the moment of the first of them. So no answer is lost from the count; each moment is moved
//! by a [`MOMENTS`]th of the time that is looked at, at most about.
//!
//! **Exact up to** the moment of the commit as this pod's clock has it (see [`RedisClock`]), and what was never told: a pod that is cut off
//! from invalidations learns of none. That is what the lifetime in a pod's memory is bounded for.

mod clock;
mod histogram;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub(crate) use clock::RedisClock;
pub(crate) use histogram::StalenessHistogram;

use crate::sample::{EVERY_KEY, Sample};

/// How many moments are kept of a key.
pub(crate) const MOMENTS: usize = 32;

/// An answer that is not found to have been stale for so long is taken to have been fresh.
pub(crate) const GRACE: Duration = Duration::from_secs(60);

/// Of more tags than these, the rest are not known here.
const MAX_TAGS: usize = 32;

/// What becomes of answers: so many of them, that old.
pub(crate) trait Observe {
    /// So many answers were behind the newest version by that much.
    fn observe(&self, behind: Duration, answers: u64);
}

/// What was served from the memory of this pod, of one cache.
#[derive(Debug)]
pub(crate) struct Staleness<O> {
    threshold: AtomicU64,
    keys: Mutex<Sample<Answers>>,
    observe: O,
}

/// What was served of one key.
#[derive(Debug, Default)]
struct Answers {
    /// The oldest first.
    groups: Vec<Group>,
    /// How many answers make up a group, at most.
    group_size: u64,
    /// Hashes of what invalidates the key beside itself.
    tags: Box<[u64]>,
}

/// Answers that followed each other.
#[derive(Clone, Copy, Debug)]
struct Group {
    served: Instant,
    /// When what was served was known to be the newest version.
    loaded: Instant,
    answers: u64,
}

impl<O: Observe> Staleness<O> {
    /// Of up to so many keys.
    pub(crate) const fn new(max_keys: usize, observe: O) -> Self {
        Self { threshold: AtomicU64::new(EVERY_KEY), keys: Mutex::new(Sample::new(max_keys)), observe }
    }

    /// The key was served from memory. The entry's value was the newest at `loaded`: the moment before its load began, or before Redis was
    /// asked for it.
    pub(crate) fn served(&self, hash: u64, loaded: Instant, now: Instant) {
        if hash > self.threshold.load(Ordering::Relaxed) {
            return;
        }
        let mut keys = self.keys();
        let group = Group { served: now, loaded, answers: 1 };
        if let Some(answers) = keys.get_mut(hash) {
            answers.settle(now, &self.observe);
            answers.add(group, &self.observe);
        } else {
            keys.insert(hash, Answers { groups: vec![group], group_size: 1, tags: Box::default() });
            self.threshold.store(keys.threshold(), Ordering::Relaxed);
        }
    }

    /// What a key depends on, once it is served.
    pub(crate) fn tagged(&self, hash: u64, tags: &[u64]) {
        if hash > self.threshold.load(Ordering::Relaxed) {
            return;
        }
        if let Some(answers) = self.keys().get_mut(hash) {
            let tags = &tags[..tags.len().min(MAX_TAGS)];
            if *answers.tags != *tags {
                answers.tags = tags.into();
            }
        }
    }

    /// There is a newer version of the key, committed at that moment.
    pub(crate) fn superseded(&self, hash: u64, committed: Instant, now: Instant) {
        if hash > self.threshold.load(Ordering::Relaxed) {
            return;
        }
        if let Some(answers) = self.keys().get_mut(hash) {
            answers.superseded(committed.min(now), &self.observe);
        }
    }

    /// There are newer versions of all that has this tag.
    pub(crate) fn superseded_tag(&self, tag: u64, committed: Instant, now: Instant) {
        self.keys().retain(|_, answers| {
            if answers.tags.contains(&tag) {
                answers.superseded(committed.min(now), &self.observe);
            }
            true
        });
    }

    /// Answers that were long enough ago are settled, and keys forgotten that nobody asks for. To be called now and then.
    pub(crate) fn settle(&self, now: Instant) {
        let mut keys = self.keys();
        keys.retain(|_, answers| {
            answers.settle(now, &self.observe);
            !answers.groups.is_empty()
        });
        keys.widen();
        self.threshold.store(keys.threshold(), Ordering::Relaxed);
    }

    fn keys(&self) -> MutexGuard<'_, Sample<Answers>> {
        // Nothing in here panics half way.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers {
    fn add(&mut self, group: Group, observe: &impl Observe) {
        if let Some(last) = self.groups.last_mut()
            && last.loaded == group.loaded
            && last.answers < self.group_size
        {
            last.answers += 1;
            return;
        }
        if self.groups.len() >= MOMENTS {
            self.make_room(observe);
        }
        self.groups.push(group);
    }

    /// Puts neighbours together. If that is no help, since each was loaded anew, the oldest half is settled.
    fn make_room(&mut self, observe: &impl Observe) {
        self.group_size *= 2;
        let size = self.group_size;
        self.groups.dedup_by(|next, group| {
            let fits = group.loaded == next.loaded && group.answers + next.answers <= size;
            if fits {
                group.answers += next.answers;
            }
            fits
        });
        if self.groups.len() >= MOMENTS {
            self.groups.drain(..MOMENTS / 2).for_each(|group| observe.observe(Duration::ZERO, group.answers));
        }
    }

    fn superseded(&mut self, committed: Instant, observe: &impl Observe) {
        // What was loaded after the commit may still turn out to be behind the next one.
        self.groups.retain(|group| {
            let affected = group.loaded <= committed;
            if affected {
                observe.observe(group.served.saturating_duration_since(committed), group.answers);
            }
            !affected
        });
        self.forget_size();
    }

    fn settle(&mut self, now: Instant, observe: &impl Observe) {
        let over = self.groups.partition_point(|group| now.saturating_duration_since(group.served) >= GRACE);
        self.groups.drain(..over).for_each(|group| observe.observe(Duration::ZERO, group.answers));
        self.forget_size();
    }

    fn forget_size(&mut self) {
        if self.groups.is_empty() {
            self.group_size = 1;
        }
    }
}
