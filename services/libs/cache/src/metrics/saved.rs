//! The time that a cache has saved.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus::Counter;

/// Counts what hits have saved: as much each as loads have taken on average until then. Before the first load of this process that is not known, and
/// nothing is counted.
#[derive(Clone, Debug)]
pub(super) struct Saved {
    seconds: Counter,
    loads: Arc<Loads>,
}

/// The loads so far. That both numbers are not read in one moment makes no difference to an average.
#[derive(Debug, Default)]
struct Loads {
    count: AtomicU64,
    nanos: AtomicU64,
}

impl Saved {
    pub(super) fn new(seconds: Counter) -> Self {
        Self { seconds, loads: Arc::default() }
    }

    pub(super) fn loaded(&self, took: Duration) {
        self.loads.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.loads.count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn hit(&self) {
        let (count, nanos) = (self.loads.count.load(Ordering::Relaxed), self.loads.nanos.load(Ordering::Relaxed));
        if let Some(mean) = nanos.checked_div(count) {
            self.seconds.inc_by(Duration::from_nanos(mean).as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_saves_what_a_load_has_taken_on_average_until_then() {
        let saved = Saved::new(Counter::new("saved", "A test").expect("a good name"));
        saved.hit();
        assert!(saved.seconds.get() < 1e-9, "nobody knows what it saved");
        saved.loaded(Duration::from_secs(1));
        saved.loaded(Duration::from_secs(3));
        saved.hit();
        saved.hit();
        assert!((saved.seconds.get() - 4.0).abs() < 1e-9, "{}", saved.seconds.get());
        saved.loaded(Duration::from_secs(5));
        saved.hit();
        assert!((saved.seconds.get() - 7.0).abs() < 1e-9, "{}", saved.seconds.get());
    }
}
