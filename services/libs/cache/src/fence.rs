//! What keeps an older value out of a pod's memory, however late it comes.
//!
//! Every entry is stamped with the moment *before* its load began, counted in invalidations. What an entry depends on (its key, its
//! tags) is hashed to one of a fixed number of stripes, and each invalidation writes its number onto a stripe. An entry is void as
//! soon as any of its stripes has a number above its stamp. Nothing has to be found and removed, and a value that was read before an
//! invalidation is void already when it is put there after it.
//!
//! Two keys may share a stripe; then one's invalidation voids the other, which costs a load and nothing else.

use crate::sync::{AtomicU64, Ordering};

/// The moment before a load began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(u64);

/// The invalidations that a cache in this pod has heard of.
#[derive(Debug)]
pub(crate) struct Fence {
    /// The number of the last invalidation.
    sequence: AtomicU64,
    /// The last invalidation of everything.
    all: AtomicU64,
    /// The last invalidation of each stripe.
    stripes: Box<[AtomicU64]>,
}

impl Fence {
    /// A fence with so many stripes, at least one.
    pub(crate) fn new(stripes: usize) -> Self {
        Self {
            sequence: AtomicU64::new(0),
            all: AtomicU64::new(0),
            stripes: (0..stripes.max(1)).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// The moment now: whoever loads takes it first.
    pub(crate) fn capture(&self) -> Stamp {
        Stamp(self.sequence.load(Ordering::SeqCst))
    }

    /// Voids what depends on this, as far as it was loaded before now. The change itself must have been made already.
    pub(crate) fn invalidate(&self, hash: u64) {
        let number = self.sequence.fetch_add(1, Ordering::SeqCst) + 1;
        self.stripe(hash).fetch_max(number, Ordering::SeqCst);
    }

    /// Voids everything that was loaded before now.
    pub(crate) fn invalidate_all(&self) {
        let number = self.sequence.fetch_add(1, Ordering::SeqCst) + 1;
        self.all.fetch_max(number, Ordering::SeqCst);
    }

    /// Whether nothing of this was invalidated since the stamp.
    pub(crate) fn is_valid(&self, stamp: Stamp, dependencies: &[u64]) -> bool {
        self.all.load(Ordering::SeqCst) <= stamp.0
            && dependencies.iter().all(|hash| self.stripe(*hash).load(Ordering::SeqCst) <= stamp.0)
    }

    fn stripe(&self, hash: u64) -> &AtomicU64 {
        // The remainder is below the length, which is a usize.
        #[expect(clippy::cast_possible_truncation, reason = "the remainder of a usize fits")]
        let index = (hash % self.stripes.len() as u64) as usize;
        &self.stripes[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_loaded_before_an_invalidation_is_void_and_what_is_loaded_after_it_is_not() {
        crate::sync::model(|| {
            let fence = Fence::new(8);
            let before = fence.capture();
            assert!(fence.is_valid(before, &[1, 2]));
            fence.invalidate(2);
            assert!(!fence.is_valid(before, &[1, 2]), "also if it is put there only now");
            assert!(fence.is_valid(before, &[1]), "other keys are not touched");
            let after = fence.capture();
            assert!(fence.is_valid(after, &[1, 2]));
            fence.invalidate_all();
            assert!(!fence.is_valid(after, &[1]));
        });
    }
}
