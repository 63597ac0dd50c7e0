//! What the scripts do (`src/remote/*.lua`), one function for each, on a plain data structure.
//!
//! There is no time in it: that something's time is over is a step of its own, which may be taken at any moment.

use std::collections::BTreeMap;

/// Who took a lease or announced a write.
pub(crate) type Token = u8;
pub(crate) type Key = u8;
pub(crate) type Schema = u32;

/// A tag; [`ALL`] is the one that every entry has.
pub(crate) type Tag = u8;
pub(crate) const ALL: Tag = 0;

/// The number of the last invalidation at a moment.
pub(crate) type Stamp = u64;

/// What is in Redis of one cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tier<V> {
    /// What a sequence that was lost begins with, since it begins with the time.
    time: u64,
    sequence: Option<u64>,
    markers: BTreeMap<Tag, u64>,
    slots: BTreeMap<Key, Slot<V>>,
    /// What is left out of the protocol on purpose.
    broken: Option<Broken>,
}

/// What is in Redis of one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Slot<V> {
    /// The announced writes, and whether each is alone.
    writers: BTreeMap<Token, bool>,
    entries: BTreeMap<Schema, Entry<V>>,
    leases: BTreeMap<Schema, Token>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Entry<V> {
    value: V,
    markers: Vec<(Tag, u64)>,
}

/// What became of asking for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lease<V> {
    Hit(V),
    Writing,
    Held,
    Granted(Stamp),
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Stored,
    Late,
    Overtaken,
    Dropped,
}

/// Ways to get the protocol wrong. The proofs must notice each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Broken {
    FillAsksForNoLease,
    FillHeedsNoMarkers,
    FillTakesAMissingMarkerForUnmoved,
    LeaseDespiteWrites,
    BeginLeavesTheEntry,
    BeginLeavesLeases,
    BeginLeavesOtherSchemas,
    OverlappingWritesPut,
    PutLeavesOthersAlone,
    PutHeedsNoMarkers,
    PutLeavesTheEntry,
    DropLeavesLeases,
    DropLeavesOthersAlone,
    TagsMoveNoSequence,
    SequenceBeginsAnew,
}

impl Broken {
    pub(crate) const ALL: [Self; 15] = [
        Self::FillAsksForNoLease,
        Self::FillHeedsNoMarkers,
        Self::FillTakesAMissingMarkerForUnmoved,
        Self::LeaseDespiteWrites,
        Self::BeginLeavesTheEntry,
        Self::BeginLeavesLeases,
        Self::BeginLeavesOtherSchemas,
        Self::OverlappingWritesPut,
        Self::PutLeavesOthersAlone,
        Self::PutHeedsNoMarkers,
        Self::PutLeavesTheEntry,
        Self::DropLeavesLeases,
        Self::DropLeavesOthersAlone,
        Self::TagsMoveNoSequence,
        Self::SequenceBeginsAnew,
    ];
}

impl<V> Default for Slot<V> {
    fn default() -> Self {
        Self { writers: BTreeMap::new(), entries: BTreeMap::new(), leases: BTreeMap::new() }
    }
}

impl<V: Clone> Tier<V> {
    pub(crate) fn new(broken: Option<Broken>) -> Self {
        Self { time: 0, sequence: None, markers: BTreeMap::new(), slots: BTreeMap::new(), broken }
    }

    fn is_broken(&self, how: Broken) -> bool {
        self.broken == Some(how)
    }

    fn slot(&mut self, key: Key) -> &mut Slot<V> {
        self.slots.entry(key).or_default()
    }

    fn sequence(&mut self) -> u64 {
        if let Some(last) = self.sequence {
            return last;
        }
        if !self.is_broken(Broken::SequenceBeginsAnew) {
            self.time += 1_000;
        }
        *self.sequence.insert(self.time)
    }

    /// `read.lua`
    pub(crate) fn read(&self, key: Key, schema: Schema) -> Option<&V> {
        let entry = self.slots.get(&key)?.entries.get(&schema)?;
        let holds = entry.markers.iter().all(|(tag, marker)| self.markers.get(tag) == Some(marker));
        holds.then_some(&entry.value)
    }

    /// `lease.lua`. Who renews takes no entry for an answer.
    pub(crate) fn lease(&mut self, key: Key, schema: Schema, token: Token, renews: bool) -> Lease<V> {
        if let Some(value) = self.read(key, schema)
            && !renews
        {
            return Lease::Hit(value.clone());
        }
        let despite_writes = self.is_broken(Broken::LeaseDespiteWrites);
        let slot = self.slot(key);
        if !slot.writers.is_empty() && !despite_writes {
            return Lease::Writing;
        }
        if slot.leases.contains_key(&schema) {
            return Lease::Held;
        }
        slot.leases.insert(schema, token);
        let stamp = self.sequence();
        self.markers.entry(ALL).or_insert(stamp);
        Lease::Granted(stamp)
    }

    /// `fill.lua`
    pub(crate) fn fill(
        &mut self,
        (key, schema, token): (Key, Schema, Token),
        stamp: Stamp,
        value: V,
        tags: &[Tag],
    ) -> Fate {
        let leases = &mut self.slot(key).leases;
        let mine = leases.get(&schema) == Some(&token);
        if mine {
            leases.remove(&schema);
        } else if !self.is_broken(Broken::FillAsksForNoLease) {
            return Fate::Late;
        }
        let Some(markers) = self.markers_of(stamp, tags, Broken::FillHeedsNoMarkers) else { return Fate::Overtaken };
        self.slot(key).entries.insert(schema, Entry { value, markers });
        Fate::Stored
    }

    /// `release.lua`
    pub(crate) fn release(&mut self, key: Key, schema: Schema, token: Token) {
        self.slot(key).leases.retain(|held, by| *held != schema || *by != token);
    }

    /// `begin.lua`
    pub(crate) fn begin(&mut self, keys: &[Key], schema: Schema, token: Token) -> Stamp {
        for key in keys {
            let together = self.is_broken(Broken::OverlappingWritesPut);
            let slot = self.slot(*key);
            if !together {
                slot.writers.values_mut().for_each(|alone| *alone = false);
            }
            let alone = together || slot.writers.is_empty();
            slot.writers.insert(token, alone);
            let kept = (self.is_broken(Broken::BeginLeavesTheEntry), self.is_broken(Broken::BeginLeavesLeases));
            self.delete(*key, schema, kept);
        }
        self.sequence()
    }

    /// `put.lua`
    pub(crate) fn put(
        &mut self,
        (key, schema, token): (Key, Schema, Token),
        stamp: Stamp,
        value: V,
        tags: &[Tag],
    ) -> Fate {
        let leaves_others = self.is_broken(Broken::PutLeavesOthersAlone);
        let together = self.is_broken(Broken::OverlappingWritesPut);
        let slot = self.slot(key);
        let mine = slot.writers.remove(&token);
        let others = !slot.writers.is_empty() && !together;
        if !leaves_others {
            slot.writers.values_mut().for_each(|alone| *alone = together);
        }
        self.delete(key, schema, (self.is_broken(Broken::PutLeavesTheEntry), false));
        if mine != Some(true) || others {
            return Fate::Dropped;
        }
        let Some(markers) = self.markers_of(stamp, tags, Broken::PutHeedsNoMarkers) else { return Fate::Dropped };
        self.slot(key).entries.insert(schema, Entry { value, markers });
        Fate::Stored
    }

    /// `drop.lua`
    pub(crate) fn drop(&mut self, keys: &[Key], schema: Schema, token: Option<Token>) {
        for key in keys {
            let leaves_others = self.is_broken(Broken::DropLeavesOthersAlone);
            let slot = self.slot(*key);
            if let Some(token) = token {
                slot.writers.remove(&token);
            }
            if !leaves_others {
                slot.writers.values_mut().for_each(|alone| *alone = false);
            }
            self.delete(*key, schema, (false, self.is_broken(Broken::DropLeavesLeases)));
        }
    }

    /// `abort.lua`
    pub(crate) fn abort(&mut self, keys: &[Key], token: Token) {
        for key in keys {
            self.slot(*key).writers.remove(&token);
        }
    }

    /// `tags.lua`
    pub(crate) fn tags(&mut self, tags: &[Tag]) {
        let number = self.sequence() + 1;
        if !self.is_broken(Broken::TagsMoveNoSequence) {
            self.sequence = Some(number);
        }
        for tag in tags {
            if let Some(marker) = self.markers.get_mut(tag) {
                *marker = number;
            }
        }
    }

    /// `markers` of `shared/markers.lua`
    fn markers_of(&mut self, stamp: Stamp, tags: &[Tag], ignores: Broken) -> Option<Vec<(Tag, u64)>> {
        let last = self.sequence();
        let mut found = Vec::new();
        for tag in std::iter::once(&ALL).chain(tags) {
            let marker = match self.markers.get(tag) {
                Some(marker) if *marker > stamp && !self.is_broken(ignores) => return None,
                Some(marker) => *marker,
                None if last != stamp && !self.is_broken(Broken::FillTakesAMissingMarkerForUnmoved) => return None,
                None => *self.markers.entry(*tag).or_insert(stamp),
            };
            found.push((*tag, marker));
        }
        Some(found)
    }

    /// Deletes entries and leases of a schema and its neighbours.
    fn delete(&mut self, key: Key, schema: Schema, (keep_entry, keep_leases): (bool, bool)) {
        let only_own = self.is_broken(Broken::BeginLeavesOtherSchemas);
        let near = |other: &Schema| if only_own { *other == schema } else { other.abs_diff(schema) <= 1 };
        let slot = self.slot(key);
        slot.entries.retain(|other, _| keep_entry || !near(other));
        slot.leases.retain(|other, _| keep_leases || !near(other));
    }
}

/// What time and Redis do by themselves.
impl<V: Clone> Tier<V> {
    /// An entry's time is over, or it was evicted.
    pub(crate) fn lose_entry(&mut self, key: Key, schema: Schema) {
        self.slot(key).entries.remove(&schema);
    }

    /// A lease's time is over, or it was evicted.
    pub(crate) fn lose_lease(&mut self, key: Key, schema: Schema) {
        self.slot(key).leases.remove(&schema);
    }

    /// An announcement's time is over.
    pub(crate) fn lose_writer(&mut self, key: Key, token: Token) {
        self.slot(key).writers.remove(&token);
    }

    /// All announcements of a key were evicted.
    pub(crate) fn lose_writers(&mut self, key: Key) {
        self.slot(key).writers.clear();
    }

    pub(crate) fn lose_marker(&mut self, tag: Tag) {
        self.markers.remove(&tag);
    }

    pub(crate) fn lose_sequence(&mut self) {
        self.sequence = None;
    }

    pub(crate) fn flush(&mut self) {
        self.sequence = None;
        self.markers.clear();
        self.slots.clear();
    }
}

/// What is there.
impl<V: Clone> Tier<V> {
    pub(crate) fn lease_of(&self, key: Key, schema: Schema) -> Option<Token> {
        self.slots.get(&key)?.leases.get(&schema).copied()
    }

    pub(crate) fn has_entry(&self, key: Key, schema: Schema) -> bool {
        self.slots.get(&key).is_some_and(|slot| slot.entries.contains_key(&schema))
    }

    /// The announced writes, and whether each is alone.
    pub(crate) fn writers_of(&self, key: Key) -> BTreeMap<Token, bool> {
        self.slots.get(&key).map(|slot| slot.writers.clone()).unwrap_or_default()
    }

    pub(crate) fn has_marker(&self, tag: Tag) -> bool {
        self.markers.contains_key(&tag)
    }

    pub(crate) fn has_sequence(&self) -> bool {
        self.sequence.is_some()
    }
}
