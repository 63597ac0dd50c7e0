//! The ghosts against what the same trace really gives: caches of each lifetime, over all keys, one after the other.

use std::hash::{DefaultHasher, Hasher as _};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

/// An access to a key, or an invalidation of it, so many nanoseconds after the beginning.
#[derive(Clone, Copy)]
struct Event {
    at: u64,
    key: usize,
    invalidates: bool,
}

struct Trace {
    keys: usize,
    events: Vec<Event>,
}

impl Trace {
    /// Keys wanted by Zipf's law, at moments that are independent of each other (Poisson); so many of a hundred events are invalidations.
    fn new(seed: u64, keys: usize, skew: f64, per_second: f64, length: Duration, invalidations: f64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut sum = 0.0;
        let cumulated: Vec<f64> = (1..=keys)
            .map(|rank| {
                sum += count(rank as u64).powf(-skew);
                sum
            })
            .collect();
        let mut events = Vec::new();
        let mut seconds = 0.0;
        loop {
            seconds -= (1.0 - random.random::<f64>()).ln() / per_second;
            let at = Duration::from_secs_f64(seconds);
            if at >= length {
                return Self { keys, events };
            }
            let wanted = random.random::<f64>() * sum;
            let key = cumulated.partition_point(|upto| *upto < wanted).min(keys - 1);
            events.push(Event { at: nanos(at), key, invalidates: random.random::<f64>() * 100.0 < invalidations });
        }
    }

    /// When the window before the one that runs at the end began.
    fn counted_from(&self) -> u64 {
        let mut began = [0, 0];
        for event in self.events.iter().filter(|event| !event.invalidates) {
            if event.at - began[1] >= nanos(WINDOW) {
                began = [began[1], event.at];
            }
        }
        began[0]
    }

    /// What a cache of this lifetime gives, from a moment on.
    fn truth(&self, ttl: Duration, from: u64) -> f64 {
        let mut filled: Vec<Option<u64>> = vec![None; self.keys];
        let (mut hits, mut accesses) = (0, 0);
        for event in &self.events {
            let entry = &mut filled[event.key];
            if event.invalidates {
                *entry = None;
                continue;
            }
            let hit = entry.is_some_and(|at| event.at - at < nanos(ttl));
            if !hit {
                *entry = Some(event.at);
            }
            if event.at >= from {
                accesses += 1;
                hits += u64::from(hit);
            }
        }
        count(hits) / count(accesses)
    }

    /// What the ghosts say.
    fn ghosts(&self, max_keys: usize) -> Curve {
        let start = Instant::now();
        let ghosts = Ghosts::new(max_keys, start);
        let mut now = start;
        for event in &self.events {
            now = start + Duration::from_nanos(event.at);
            if event.invalidates {
                ghosts.forget(hash(event.key));
            } else {
                ghosts.access(hash(event.key), now);
            }
        }
        ghosts.curve(now)
    }

    /// Mean and greatest distance between ghosts and truth, over the rungs.
    fn error(&self, max_keys: usize) -> (f64, f64, Curve) {
        let curve = self.ghosts(max_keys);
        let from = self.counted_from();
        let ratios = curve.ratios.expect("there were accesses");
        let errors: Vec<f64> =
            LADDER.iter().zip(ratios).map(|(ttl, ratio)| (ratio - self.truth(*ttl, from)).abs()).collect();
        let mean = errors.iter().sum::<f64>() / count(errors.len() as u64);
        (mean, errors.into_iter().fold(0.0, f64::max), curve)
    }
}

fn hash(key: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn the_curve_is_exactly_what_the_trace_gives_as_long_as_every_key_is_sampled() {
    for (seed, skew) in [(1, 0.8), (2, 1.0), (3, 1.2)] {
        for invalidations in [0.0, 2.0] {
            // Two hours, so that lifetimes of minutes and hours end in it.
            let trace = Trace::new(seed, 1_000, skew, 20.0, Duration::from_secs(7_200), invalidations);
            let (mean, max, curve) = trace.error(1_000);
            assert!(max < 1e-12, "Zipf {skew}, {invalidations} % invalidations: mean {mean}, max {max}");
            assert!(curve.rate > 0.999_999, "every key is in it");
        }
    }
}

// Measured: 1.6 points on average and 3.0 at the worst rung of the worst trace; without the correction for keys
// that stand out it would be 11.1 and 31.8, so this fails.
#[test]
fn a_sample_of_one_key_in_fifty_comes_close_to_what_the_trace_gives() {
    let mut worst = (0.0_f64, 0.0_f64);
    for skew in [0.8, 1.0, 1.2] {
        for invalidations in [0.0, 2.0] {
            for seed in 1..=4 {
                let trace = Trace::new(seed, 50_000, skew, 500.0, Duration::from_secs(1_200), invalidations);
                let (mean, max, curve) = trace.error(1_024);
                println!(
                    "Zipf {skew}, {invalidations} % invalidations: {} keys, rate {:.4}, error mean {mean:.4}, max {max:.4}",
                    curve.keys, curve.rate
                );
                assert!(curve.keys <= 1_024);
                worst = (worst.0.max(mean), worst.1.max(max));
            }
        }
    }
    println!("worst: mean {:.4}, max {:.4}", worst.0, worst.1);
    assert!(worst.0 < 0.025 && worst.1 < 0.05, "error: mean {}, max {}", worst.0, worst.1);
}

#[test]
fn an_invalidation_empties_the_ghosts_of_what_it_is_about() {
    let start = Instant::now();
    let ghosts = Ghosts::new(10, start);
    let hits = || {
        let replay = ghosts.replay();
        (replay.current.hits[RUNGS - 1], replay.current.sampled)
    };
    let access_both = || [1, 2].iter().for_each(|key| ghosts.access(*key, start));
    access_both();
    ghosts.tagged(1, &[100, 101]);
    access_both();
    assert_eq!(hits(), (2.0, 4.0));
    ghosts.forget(2);
    access_both();
    assert_eq!(hits(), (3.0, 6.0));
    ghosts.forget_tag(101);
    access_both();
    assert_eq!(hits(), (4.0, 8.0));
    ghosts.clear();
    access_both();
    assert_eq!(hits(), (4.0, 10.0));
}

#[test]
fn the_figures_are_of_the_last_minutes() {
    let start = Instant::now();
    let ghosts = Ghosts::new(10, start);
    (0..100).for_each(|_| ghosts.access(1, start));
    let ratio = |now| ghosts.curve(now).hit_ratio_at(Duration::from_secs(60));
    assert_eq!(ratio(start), Some(0.99));
    // From here on every access comes too late for a lifetime of a minute.
    (1..=2).for_each(|minute| ghosts.access(1, start + minute * Duration::from_secs(100)));
    assert_eq!(ratio(start + Duration::from_secs(200)), Some(99.0 / 102.0));
    (3..=6).for_each(|minute| ghosts.access(1, start + minute * Duration::from_secs(100)));
    assert_eq!(ratio(start + Duration::from_secs(600)), Some(0.0));
    assert_eq!(ratio(start + Duration::from_secs(2_000)), None, "nothing happened lately");
}

#[test]
fn between_two_rungs_the_curve_is_a_line() {
    let ratios = std::array::from_fn(|rung| count(rung as u64 + 1) / 20.0);
    let curve = Curve { ratios: Some(ratios), sampled: 100.0, keys: 1, rate: 1.0 };
    let at = |seconds: f64| curve.hit_ratio_at(Duration::from_secs_f64(seconds)).expect("there were accesses");
    for (rung, ttl) in LADDER.iter().enumerate() {
        assert!((at(ttl.as_secs_f64()) - ratios[rung]).abs() < 1e-9, "{ttl:?}");
    }
    assert!((at(0.5) - 0.025).abs() < 1e-9);
    assert!((at(2_f64.sqrt()) - 0.075).abs() < 1e-9, "half way from 1 s to 2 s by the logarithm");
    assert!((at(1e9) - 0.8).abs() < 1e-9);
}

#[test]
fn ten_thousand_new_keys_a_second_take_no_more_memory_than_was_granted() {
    let start = Instant::now();
    let ghosts = Ghosts::new(256, start);
    let tags: Vec<u64> = (0..100).collect();
    for number in 0..600_000_u32 {
        let now = start + number * Duration::from_micros(100);
        ghosts.access(hash(number), now);
        ghosts.tagged(hash(number), &tags);
    }
    let mut replay = ghosts.replay();
    assert_eq!(replay.sample.len(), 256);
    replay.sample.retain(|_, ghost| {
        assert!(ghost.tags.len() <= MAX_TAGS);
        true
    });
    assert!(size_of::<Ghost>() + size_of::<u64>() <= 160, "as the module's text has it");
}

#[test]
fn after_a_flood_of_keys_has_passed_every_key_is_sampled_again() {
    let start = Instant::now();
    let ghosts = Ghosts::new(256, start);
    (0..100_000).for_each(|number| ghosts.access(hash(number), start));
    assert!(ghosts.curve(start).rate < 0.01);
    // A day later its ghosts are over; from then on the sample doubles with each window.
    let day = start + Duration::from_secs(86_400);
    for window in 0..20 {
        let now = day + window * WINDOW;
        (0..50).for_each(|number| ghosts.access(hash(number), now));
        ghosts.curve(now);
    }
    assert!(ghosts.curve(day + 20 * WINDOW).rate > 0.999_999);
}

#[test]
fn threads_that_access_at_once_lose_nothing() {
    let start = Instant::now();
    let ghosts = Ghosts::new(1_000, start);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..10_000).for_each(|number| ghosts.access(hash(number % 500), start)));
        }
    });
    let curve = ghosts.curve(start);
    assert!((curve.sampled - 40_000.0).abs() < 1e-6);
    assert!((curve.hit_ratio_at(LADDER[0]).expect("accesses") - 39_500.0 / 40_000.0).abs() < 1e-9);
}
