//! Which Stores were touched last while a replica stands by.
//!
//! What happens between the end of one leader and the beginning of the next is seen by nobody who may act on it. The next one looks at all Stores,
//! and at these first: with a thousand Stores the last one's turn comes most of a minute later.

use std::{cmp::Reverse, collections::HashMap};

use kube::runtime::reflector::ObjectRef;

use crate::watch::Guarded;

/// So many names are remembered at least; of more than twice the Stores that there are, those of Stores that are gone are forgotten.
const NAMES: usize = 100;

/// The order in which Stores were touched.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    touches: u64,
    last: HashMap<ObjectRef<Guarded>, u64>,
}

impl Recent {
    /// A Store is touched, one of so many.
    pub(crate) fn touch(&mut self, store: ObjectRef<Guarded>, of: usize, exists: impl Fn(&ObjectRef<Guarded>) -> bool) {
        self.touches += 1;
        self.last.insert(store, self.touches);
        if self.last.len() > NAMES.max(2 * of) {
            self.last.retain(|store, _| exists(store));
        }
    }

    /// These Stores, the one that was touched last first.
    pub(crate) fn first(&self, mut stores: Vec<ObjectRef<Guarded>>) -> Vec<ObjectRef<Guarded>> {
        stores.sort_by_key(|store| Reverse(self.last.get(store).copied()));
        stores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(name: &str) -> ObjectRef<Guarded> {
        ObjectRef::new(name).within("shop")
    }

    #[test]
    fn the_store_that_was_touched_last_is_looked_at_first() {
        let mut recent = Recent::default();
        for name in ["a", "b", "c", "a"] {
            recent.touch(store(name), 4, |_| true);
        }
        let all = ["never", "b", "c", "a"].map(store).to_vec();
        assert_eq!(recent.first(all), ["a", "c", "b", "never"].map(store));
    }

    #[test]
    fn names_of_stores_that_are_gone_do_not_pile_up() {
        let mut recent = Recent::default();
        for number in 0..10_000 {
            recent.touch(store(&number.to_string()), 1, |it| it.name == "0");
        }
        assert!(recent.last.len() <= NAMES, "{}", recent.last.len());
        assert!(recent.last.contains_key(&store("0")));
    }
}
