//! A bounded sample of keys, picked by their hash.
//!
//! A key is in the sample if its hash is not above a threshold (spatial sampling, as in SHARDS, FAST'15), so all that happens to a key
//! is seen or none of it, whichever thread it happens in. When there are more keys than there is room for, the threshold is lowered
//! until those that are above it have made room: memory is bounded whatever is asked for, and the sample stays fair.

use std::collections::BTreeMap;

/// The threshold at which every key is in the sample.
pub(crate) const EVERY_KEY: u64 = u64::MAX;

/// What is known about the keys of the sample.
#[derive(Debug)]
pub(crate) struct Sample<T> {
    threshold: u64,
    max_keys: usize,
    keys: BTreeMap<u64, T>,
}

impl<T> Sample<T> {
    /// Nothing yet. There is room for one key at least.
    pub(crate) const fn new(max_keys: usize) -> Self {
        let max_keys = if max_keys == 0 { 1 } else { max_keys };
        Self { threshold: EVERY_KEY, max_keys, keys: BTreeMap::new() }
    }

    /// Keys of which the hash is above this are not in the sample.
    pub(crate) const fn threshold(&self) -> u64 {
        self.threshold
    }

    /// The share of all keys that is in the sample.
    pub(crate) fn rate(&self) -> f64 {
        rate(self.threshold)
    }

    /// How many keys are in the sample.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// What is known about a key, if it is there.
    pub(crate) fn get_mut(&mut self, hash: u64) -> Option<&mut T> {
        self.keys.get_mut(&hash)
    }

    /// Puts a key there, and lowers the threshold if there is no room for it.
    pub(crate) fn insert(&mut self, hash: u64, value: T) {
        if hash > self.threshold {
            return;
        }
        self.keys.insert(hash, value);
        while self.keys.len() > self.max_keys {
            if let Some((highest, _)) = self.keys.pop_last() {
                self.threshold = highest.saturating_sub(1);
            }
        }
    }

    /// Forgets a key.
    pub(crate) fn remove(&mut self, hash: u64) -> Option<T> {
        self.keys.remove(&hash)
    }

    /// Forgets what is not to be kept.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&u64, &mut T) -> bool) {
        self.keys.retain(keep);
    }

    /// Forgets every key.
    pub(crate) fn clear(&mut self) {
        self.keys.clear();
    }

    /// Doubles the share of the keys that are in the sample, if it has shrunk so far that there will be room for them.
    pub(crate) fn widen(&mut self) {
        if self.keys.len() < self.max_keys / 4 {
            self.threshold = self.threshold.saturating_mul(2).saturating_add(1);
        }
    }
}

/// The share of all keys that have a hash not above the threshold.
fn rate(threshold: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share needs no 64 bits")]
    let share = threshold as f64 / EVERY_KEY as f64;
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers spread evenly, as good hashes are.
    fn hash(number: u64) -> u64 {
        number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    #[test]
    fn whatever_comes_the_sample_keeps_to_its_size_and_to_its_share_of_the_keys() {
        let mut sample = Sample::new(100);
        for number in 0..100_000 {
            sample.insert(hash(number), number);
            assert!(sample.len() <= 100);
        }
        assert_eq!(sample.len(), 100, "it is full");
        let share = sample.rate() * 100_000.0;
        assert!((99.0..110.0).contains(&share), "the keys in it stand for all: {share}");
        assert!(
            (0..100_000).all(|number| sample.get_mut(hash(number)).is_some() == (hash(number) <= sample.threshold()))
        );
    }

    #[test]
    fn a_sample_that_was_emptied_widens_until_every_key_is_in_it_again() {
        let mut sample = Sample::new(100);
        (0..100_000).for_each(|number| sample.insert(hash(number), number));
        sample.widen();
        assert!(sample.rate() < 0.01, "not while it is full");
        sample.retain(|_, number| *number < 10);
        for _ in 0..20 {
            sample.widen();
        }
        assert_eq!(sample.threshold(), EVERY_KEY);
    }
}
