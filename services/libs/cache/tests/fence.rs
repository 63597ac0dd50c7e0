//! The fence of a pod's memory under a model checker: every order in which its threads can take their steps, and every value that
//! the memory model lets them read.
//!
//! What is checked is the very source of the library, on loom's atomics instead of the standard library's. Loom takes sequentially
//! consistent accesses for acquire and release, so it is shown that the fence needs no more than that.
#![expect(clippy::expect_used, reason = "what fails here fails the test, with its reason")]

#[path = "../src/fence.rs"]
mod fence;

/// What the fence is built on here.
mod sync {
    pub(crate) use loom::model;
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
}

use fence::{Fence, Stamp};
use loom::sync::{Arc, Mutex};
use loom::thread;
use sync::{AtomicU64, Ordering};

const KEY: u64 = 0;
const TAG: u64 = 1;

const INTERRUPTIONS: usize = 2;

/// What a cache needs of a fence.
trait Fencing: Send + Sync + 'static {
    type Moment: Copy + Send;
    fn new() -> Self;
    fn capture(&self) -> Self::Moment;
    fn void(&self, what: What);
    fn is_valid(&self, loaded: Self::Moment) -> bool;
}

#[derive(Clone, Copy)]
enum What {
    Key,
    Tag,
    All,
}

impl Fencing for Fence {
    type Moment = Stamp;

    fn new() -> Self {
        Self::new(2)
    }

    fn capture(&self) -> Stamp {
        self.capture()
    }

    fn void(&self, what: What) {
        match what {
            What::Key => self.invalidate(KEY),
            What::Tag => self.invalidate(TAG),
            What::All => self.invalidate_all(),
        }
    }

    fn is_valid(&self, loaded: Stamp) -> bool {
        self.is_valid(loaded, &[KEY, TAG])
    }
}

/// A row in a database, and a cache of it with room for one entry.
struct Shop<F: Fencing> {
    database: AtomicU64,
    entry: Mutex<Option<(u64, F::Moment)>>,
    fence: F,
}

impl<F: Fencing> Shop<F> {
    fn new() -> Arc<Self> {
        Arc::new(Self { database: AtomicU64::new(0), entry: Mutex::new(None), fence: F::new() })
    }

    /// The row has changed when this returns, and nobody who asks from now on gets what was there before.
    fn write(&self, what: What) {
        let version = self.change();
        self.fence.void(what);
        self.check(version);
    }

    fn change(&self) -> u64 {
        self.database.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn load(&self) {
        let loaded = self.fence.capture();
        let version = self.database.load(Ordering::SeqCst);
        self.put(version, loaded);
    }

    fn put(&self, version: u64, loaded: F::Moment) {
        *self.entry.lock().expect("no thread panics") = Some((version, loaded));
    }

    /// What a reader would get from the cache is not older than this.
    fn check(&self, at_least: u64) {
        if let Some((version, loaded)) = *self.entry.lock().expect("no thread panics")
            && self.fence.is_valid(loaded)
        {
            assert!(version >= at_least, "older: version {version} is served after {at_least} was invalidated for");
        }
    }
}

/// All of these at once; whatever happens, nothing older than the row is left in the cache. Of two threads every order of steps is
/// tried; of three, every order in which a thread is interrupted up to so many times (all that is known to go wrong in programs of
/// threads goes wrong with two).
fn all_at_once<F: Fencing>(threads: &'static [fn(&Shop<F>)]) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = (threads.len() > 2).then_some(INTERRUPTIONS);
    model.check(move || {
        let shop = Shop::<F>::new();
        let running: Vec<_> = threads
            .iter()
            .map(|thread| {
                let shop = Arc::clone(&shop);
                thread::spawn(move || thread(&shop))
            })
            .collect();
        for thread in running {
            thread.join().expect("no thread panics");
        }
        shop.check(shop.database.load(Ordering::SeqCst));
    });
}

#[test]
fn a_load_that_races_with_a_write_never_leaves_the_older_value() {
    all_at_once::<Fence>(&[Shop::load, |shop| shop.write(What::Key)]);
}

#[test]
fn a_load_that_races_with_two_writes_never_leaves_an_older_value() {
    all_at_once::<Fence>(&[Shop::load, |shop| shop.write(What::Key), |shop| shop.write(What::Key)]);
}

#[test]
fn two_loads_that_race_with_a_write_never_leave_the_older_value() {
    all_at_once::<Fence>(&[Shop::load, Shop::load, |shop| shop.write(What::Key)]);
}

#[test]
fn a_load_that_races_with_invalidations_of_its_key_its_tag_and_of_all_never_leaves_an_older_value() {
    all_at_once::<Fence>(&[Shop::load, |shop| shop.write(What::Key), |shop| shop.write(What::Tag)]);
    all_at_once::<Fence>(&[Shop::load, |shop| shop.write(What::All), |shop| shop.write(What::Tag)]);
}

#[test]
fn one_load_after_another_with_a_write_between_them_or_not_never_leaves_the_older_value() {
    all_at_once::<Fence>(&[
        |shop| {
            shop.load();
            shop.load();
        },
        |shop| {
            shop.write(What::Key);
            shop.write(What::Tag);
        },
    ]);
}

// The same with something broken: these show that the checks above would notice.

#[test]
#[should_panic(expected = "older")]
fn broken_a_load_that_takes_its_stamp_too_late_is_found_out() {
    all_at_once::<Fence>(&[
        |shop| {
            let version = shop.database.load(Ordering::SeqCst);
            shop.put(version, shop.fence.capture());
        },
        |shop| shop.write(What::Key),
    ]);
}

#[test]
#[should_panic(expected = "older")]
fn broken_an_invalidation_before_the_change_is_found_out() {
    all_at_once::<Fence>(&[Shop::load, |shop| {
        shop.fence.void(What::Key);
        shop.change();
    }]);
}

#[test]
#[should_panic(expected = "older")]
fn broken_a_fence_that_lets_an_earlier_invalidation_take_back_a_later_one_is_found_out() {
    /// Writes the number onto the stripe even if there is a higher one.
    struct Careless {
        sequence: AtomicU64,
        stripe: AtomicU64,
    }

    impl Fencing for Careless {
        type Moment = u64;

        fn new() -> Self {
            Self { sequence: AtomicU64::new(0), stripe: AtomicU64::new(0) }
        }

        fn capture(&self) -> u64 {
            self.sequence.load(Ordering::SeqCst)
        }

        fn void(&self, _: What) {
            let number = self.sequence.fetch_add(1, Ordering::SeqCst) + 1;
            self.stripe.store(number, Ordering::SeqCst);
        }

        fn is_valid(&self, loaded: u64) -> bool {
            self.stripe.load(Ordering::SeqCst) <= loaded
        }
    }

    all_at_once::<Careless>(&[
        Shop::load,
        |shop| {
            shop.change();
            shop.fence.void(What::Key);
        },
        |shop| {
            shop.change();
            shop.fence.void(What::Key);
        },
    ]);
}
