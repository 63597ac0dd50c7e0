//! The hit ratio that each lifetime would give, without trying any.
//!
//! A sampled set of keys (see [`crate::sample`]) is replayed, access by access, against a ladder of lifetimes. Of each key and lifetime
//! only the moment of the last fill is kept: an access is a hit if the fill is younger than the lifetime, and a fill itself if it is not.
//! That is what a cache of that lifetime and of unlimited size would have done, exactly, and nothing is stored for it.
//!
//! The figures describe the last [`WINDOW`] to twice that. They are of the accesses that this pod saw. Where several pods share a tier,
//! it sees as many times the accesses: for requests that come by chance (Poisson), `n` pods that share a lifetime `t` hit as often as one
//! of them alone would with `n · t`.
//!
//! **Keys that stand out.** When few keys are sampled, it is chance whether the sample has its fair share of the most wanted ones. As
//! SHARDS does (SHARDS-adj), the accesses that the sample should have had, going by all accesses and by its share of the keys, and had
//! not, are taken to be hits: they are of keys that are asked for all the time. Had it too many, hits are taken away.
//!
//! **Memory.** At most `max_keys` keys of `8 + 16·8 + 24` bytes, and of 8 bytes for each of up to [`MAX_TAGS`] tags, in the nodes of a
//! tree that are at least half full: below `2 · max_keys · (160 + 8 · MAX_TAGS)` bytes, and typically half of it without tags.
//!
//! **Time.** A key that is not sampled costs one load, one compare and one addition to a counter; a sampled one a short lock, some
//! hundred nanoseconds.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::sample::{EVERY_KEY, Sample};

/// How many lifetimes the ladder has.
pub(crate) const RUNGS: usize = 16;

/// The ladder: steps of about 2.1, at lifetimes that one would choose.
pub(crate) const LADDER: [Duration; RUNGS] = {
    let mut ladder = [Duration::ZERO; RUNGS];
    let seconds = [1, 2, 5, 10, 20, 45, 90, 180, 360, 900, 1_800, 3_600, 7_200, 18_000, 43_200, 86_400];
    let mut rung = 0;
    while rung < RUNGS {
        ladder[rung] = Duration::from_secs(seconds[rung]);
        rung += 1;
    }
    ladder
};

/// The accesses of the window that runs and of the one before it make up the figures.
pub(crate) const WINDOW: Duration = Duration::from_secs(150);

/// Of more tags than these, the rest are not known to the ghosts.
pub(crate) const MAX_TAGS: usize = 32;

/// The ghosts of one cache.
#[derive(Debug)]
pub(crate) struct Ghosts {
    /// The sample's threshold, to be read without the lock.
    threshold: AtomicU64,
    /// All accesses of the window that runs, sampled or not.
    seen: AtomicU64,
    began: Instant,
    replay: Mutex<Replay>,
}

/// The lock's content.
#[derive(Debug)]
struct Replay {
    sample: Sample<Ghost>,
    window_began: Instant,
    current: Tally,
    previous: Tally,
}

/// One sampled key.
#[derive(Debug)]
struct Ghost {
    /// For each lifetime the moment of the last fill, in nanoseconds since the ghosts began.
    fills: [u64; RUNGS],
    /// Hashes of what invalidates it beside its key.
    tags: Box<[u64]>,
}

/// What was counted in a window. Not in whole numbers: when the sample's share changes, they are scaled to the new one.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    hits: [f64; RUNGS],
    sampled: f64,
    /// All accesses, sampled or not.
    seen: f64,
}

/// The hit ratio by lifetime.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curve {
    /// The share of accesses that would have been hits, for each lifetime of the [`LADDER`]. None if there were no accesses.
    pub(crate) ratios: Option<[f64; RUNGS]>,
    /// How many accesses this rests on.
    pub(crate) sampled: f64,
    /// How many keys are in the sample.
    pub(crate) keys: usize,
    /// The share of all keys that the sample covers.
    pub(crate) rate: f64,
}

impl Ghosts {
    /// Ghosts of up to so many keys.
    pub(crate) fn new(max_keys: usize, now: Instant) -> Self {
        Self {
            threshold: AtomicU64::new(EVERY_KEY),
            seen: AtomicU64::new(0),
            began: now,
            replay: Mutex::new(Replay {
                sample: Sample::new(max_keys),
                window_began: now,
                current: Tally::default(),
                previous: Tally::default(),
            }),
        }
    }

    /// Someone asked for a key. Its hash must be a good one: all 64 bits depend on all of the key.
    pub(crate) fn access(&self, hash: u64, now: Instant) {
        self.seen.fetch_add(1, Ordering::Relaxed);
        if hash > self.threshold.load(Ordering::Relaxed) {
            return;
        }
        let at = nanos(now.saturating_duration_since(self.began));
        let mut replay = self.replay();
        self.turn(&mut replay, now);
        replay.access(hash, at);
        self.threshold.store(replay.sample.threshold(), Ordering::Relaxed);
    }

    /// What a key depends on, once that is known.
    pub(crate) fn tagged(&self, hash: u64, tags: &[u64]) {
        if hash > self.threshold.load(Ordering::Relaxed) {
            return;
        }
        if let Some(ghost) = self.replay().sample.get_mut(hash) {
            let tags = &tags[..tags.len().min(MAX_TAGS)];
            if *ghost.tags != *tags {
                ghost.tags = tags.into();
            }
        }
    }

    /// A key was invalidated.
    pub(crate) fn forget(&self, hash: u64) {
        if hash <= self.threshold.load(Ordering::Relaxed) {
            self.replay().sample.remove(hash);
        }
    }

    /// All that has this tag was invalidated.
    pub(crate) fn forget_tag(&self, tag: u64) {
        self.replay().sample.retain(|_, ghost| !ghost.tags.contains(&tag));
    }

    /// Everything was invalidated.
    pub(crate) fn clear(&self) {
        self.replay().sample.clear();
    }

    /// The hit ratio by lifetime, in the last minutes.
    pub(crate) fn curve(&self, now: Instant) -> Curve {
        let mut replay = self.replay();
        self.turn(&mut replay, now);
        let (current, previous, rate) = (replay.current, replay.previous, replay.sample.rate());
        let sampled = current.sampled + previous.sampled;
        let seen = previous.seen + count(self.seen.load(Ordering::Relaxed));
        let all = replay.sample.threshold() == EVERY_KEY;
        let fair = if all { sampled } else { seen * rate };
        let ratios = (sampled > 0.0 && fair > 0.0).then(|| {
            std::array::from_fn(|rung| {
                let hits = current.hits[rung] + previous.hits[rung];
                ((hits + fair - sampled) / fair).clamp(0.0, 1.0)
            })
        });
        Curve { ratios, sampled, keys: replay.sample.len(), rate }
    }

    /// Begins a new window if it is time.
    fn turn(&self, replay: &mut Replay, now: Instant) {
        let age = now.saturating_duration_since(replay.window_began);
        if age < WINDOW {
            return;
        }
        replay.current.seen = count(self.seen.swap(0, Ordering::Relaxed));
        replay.previous = if age < 2 * WINDOW { replay.current } else { Tally::default() };
        replay.current = Tally::default();
        replay.window_began = now;
        replay.tidy(nanos(now.saturating_duration_since(self.began)));
        self.threshold.store(replay.sample.threshold(), Ordering::Relaxed);
    }

    fn replay(&self) -> MutexGuard<'_, Replay> {
        // Nothing in here panics half way.
        self.replay.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Replay {
    fn access(&mut self, hash: u64, at: u64) {
        if hash > self.sample.threshold() {
            return;
        }
        self.current.sampled += 1.0;
        if let Some(ghost) = self.sample.get_mut(hash) {
            ghost.access(at, &mut self.current.hits);
        } else {
            let rate = self.sample.rate();
            self.sample.insert(hash, Ghost { fills: [at; RUNGS], tags: Box::default() });
            self.scale(self.sample.rate() / rate);
        }
    }

    /// Forgets keys that would be filled anew at every lifetime, and lets others take their place.
    fn tidy(&mut self, at: u64) {
        self.sample.retain(|_, ghost| !ghost.is_over(at));
        let rate = self.sample.rate();
        self.sample.widen();
        self.scale(self.sample.rate() / rate);
    }

    /// What was counted at another share than it is now is brought to the share of now, so that all accesses weigh the same.
    fn scale(&mut self, factor: f64) {
        for tally in [&mut self.current, &mut self.previous] {
            tally.hits.iter_mut().for_each(|hits| *hits *= factor);
            tally.sampled *= factor;
        }
    }
}

impl Ghost {
    fn access(&mut self, at: u64, hits: &mut [f64; RUNGS]) {
        for ((fill, ttl), hits) in self.fills.iter_mut().zip(&LADDER).zip(hits) {
            if at.saturating_sub(*fill) < nanos(*ttl) {
                *hits += 1.0;
            } else {
                *fill = at;
            }
        }
    }

    fn is_over(&self, at: u64) -> bool {
        self.fills.iter().zip(&LADDER).all(|(fill, ttl)| at.saturating_sub(*fill) >= nanos(*ttl))
    }
}

impl Curve {
    /// The hit ratio at any lifetime: between two rungs on a straight line over the logarithm of the lifetime, and from nothing up to
    /// the first one.
    pub(crate) fn hit_ratio_at(&self, ttl: Duration) -> Option<f64> {
        let ratios = self.ratios?;
        let above = LADDER.partition_point(|rung| *rung < ttl);
        let at = ttl.as_secs_f64();
        Some(match above {
            0 => ratios[0] * at / LADDER[0].as_secs_f64(),
            RUNGS => ratios[RUNGS - 1],
            above => {
                let (low, high) = (LADDER[above - 1].as_secs_f64(), LADDER[above].as_secs_f64());
                let way = (at / low).ln() / (high / low).ln();
                ratios[above - 1] + (ratios[above] - ratios[above - 1]) * way
            }
        })
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn count(number: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "accesses of some minutes")]
    let count = number as f64;
    count
}
