//! Invalidations that Redis has still to be told of.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use shop_policy::CacheName;

use crate::{Pending, Tag};

/// Of more keys or tags than these, everything is invalidated instead.
const MOST: usize = 10_000;

/// Invalidations that Redis has still to be told of, the same one once.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<HashMap<CacheName, Noted>>);

#[derive(Debug, Default)]
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
}

impl Waiting {
    /// Notes an invalidation; one without keys and tags is of everything.
    pub(crate) fn note(&self, pending: Pending) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = noted.entry(pending.cache).or_default();
        noted.all |= pending.keys.is_empty() && pending.tags.is_empty();
        noted.schema = noted.schema.max(pending.schema);
        noted.keys.extend(pending.keys);
        noted.tags.extend(pending.tags);
        noted.settle();
    }

    /// Takes all that waits.
    pub(crate) fn take(&self) -> Vec<Pending> {
        let noted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let pending = noted.into_iter().flat_map(|(cache, noted)| {
            let of = |keys, tags| Pending { cache, schema: noted.schema, keys, tags };
            let keys = (!noted.keys.is_empty()).then(|| of(noted.keys.into_iter().collect(), Vec::new()));
            let tags = (!noted.tags.is_empty()).then(|| of(Vec::new(), noted.tags.into_iter().collect()));
            [keys, tags, noted.all.then(|| of(Vec::new(), Vec::new()))].into_iter().flatten()
        });
        pending.collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.values().map(|noted| noted.keys.len() + noted.tags.len() + usize::from(noted.all)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: impl IntoIterator<Item = String>) -> Pending {
        Pending { cache: CacheName::Products, schema: 3, keys: keys.into_iter().collect(), tags: Vec::new() }
    }

    #[test]
    fn the_same_invalidation_waits_once() {
        let waiting = Waiting::default();
        waiting.note(keys(["1".to_owned()]));
        waiting.note(keys(["1".to_owned(), "2".to_owned()]));
        assert_eq!(waiting.len(), 2);
        assert_eq!(waiting.take(), [keys(["1".to_owned(), "2".to_owned()])]);
        assert_eq!(waiting.len(), 0);
    }

    #[test]
    fn too_many_become_one_invalidation_of_everything() {
        let waiting = Waiting::default();
        waiting.note(keys((0..=MOST).map(|key| key.to_string())));
        assert_eq!(waiting.take(), [keys([])]);
    }
}
