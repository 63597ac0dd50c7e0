//! Who takes part: loads, writes and unannounced changes, in all their steps, with all that can happen to them between two steps.

use crate::pod::{Moment, Pod, Told};
use crate::tier::{ALL, Broken, Fate, Lease, Schema, Stamp, Tag, Tier, Token};

/// The one key.
const KEY: u8 = 1;

/// What the value depends on beside its key.
const TAG: Tag = 1;

/// A value, made of a row, and of something else that the row's writers do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Version {
    row: u8,
    other: u8,
}

/// Everything: what is in Redis, what is in the database, and how far everybody is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    tier: Tier<Version>,
    /// The pod in which the loads are, if its memory is looked at.
    pod: Option<Pod<Version>>,
    database: Version,
    actors: Vec<Actor>,
    faults: Faults,
}

/// One who takes part. Its token is its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Actor {
    Load(Schema, Loading),
    Write(Schema, Writing),
    /// A change that is not announced, followed by an invalidation.
    Change(Invalidation, Changing),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Loading {
    Idle,
    Granted(Stamp, Moment),
    /// It has read the database.
    Holding(Stamp, Moment, Version),
    /// What it has is in Redis too.
    Fetched(Moment, Version),
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Writing {
    Idle,
    /// Announced, or not known to be.
    Begun(Option<Stamp>),
    /// It has read what the new value is made of beside the row.
    Read(Option<Stamp>, u8),
    Committed(Option<Stamp>, Version),
    /// Its request was cancelled, its transaction may still commit.
    Abandoned,
    /// Its pod has died after the commit; what is in the outbox is not lost.
    Orphaned,
    /// It is over, but a put that nobody waited for any longer is still on its way.
    Trailing(Stamp, Version),
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Invalidation {
    Key,
    Tag,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Changing {
    Idle,
    Committed,
    Over,
}

/// How often each of these may still happen. That leases and entries go, at any time, needs no allowance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Faults {
    /// Redis evicts announcements, markers or the sequence, or is flushed.
    pub(crate) losses: u8,
    /// A pod dies in the middle of a write, or a request that writes is cancelled.
    pub(crate) crashes: u8,
    /// A writer stalls for longer than its announcement lasts.
    pub(crate) stalls: u8,
    /// A script's answer, or the script itself, does not arrive.
    pub(crate) unheard: u8,
    /// The pod loses its subscription.
    pub(crate) deafness: u8,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The actor of this number does this.
    Does(usize, Act),
    LeaseGoes(Schema),
    EntryGoes(Schema),
    /// The announcement of an actor that will not end it is over.
    AnnouncementEnds(usize),
    AnnouncementEndsTooSoon(usize),
    AnnouncementsAreEvicted,
    MarkerIsEvicted(Tag),
    SequenceIsEvicted,
    Flush,
    PodHears,
    PodForgets,
    PodLosesItsSubscription,
    PodSubscribes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Lease,
    LeaseToRenew,
    Read,
    Fill,
    KeepInMemory,
    GiveBack,
    Begin,
    BeginUnheard,
    BeginLost,
    Commit,
    RollBack,
    Put,
    Drop,
    DropAfterLosingPut,
    PutArrivesLate,
    Abandon,
    CommitAfterAll,
    Die,
    Relay,
    Invalidate,
}

impl World {
    pub(crate) fn new(actors: &[Actor], faults: Faults, broken: Option<Broken>) -> Self {
        let database = Version { row: 0, other: 0 };
        Self { tier: Tier::new(broken), pod: None, database, actors: actors.to_vec(), faults }
    }

    /// The same, with the memory of the pod in which the loads are.
    pub(crate) fn with_pod(self, pod: Pod<Version>) -> Self {
        Self { pod: Some(pod), ..self }
    }

    /// What is wrong, if anything: an entry that would be served and is not what the database has. While a change is committed of which
    /// Redis could not be told yet, by somebody who will still tell it, an older entry is no wonder.
    pub(crate) fn wrong(&self) -> Option<String> {
        if self.actors.iter().any(Actor::will_tell) {
            return None;
        }
        let schemas = 1..=3;
        let in_redis = schemas.filter_map(|schema| self.tier.read(KEY, schema));
        let in_memory = self.pod.as_ref().and_then(Pod::settled);
        let old = in_redis.chain(in_memory).find(|served| **served != self.database)?;
        Some(format!("{old:?} would be served, the database has {:?}", self.database))
    }

    /// All that can happen next, and where it leads.
    pub(crate) fn next(&self) -> Vec<(Step, Self)> {
        let mut next = Vec::new();
        for number in 0..self.actors.len() {
            self.acts(number, &mut next);
            self.end_announcement(number, &mut next);
        }
        for schema in 1..=3 {
            if self.tier.lease_of(KEY, schema).is_some() {
                next.push(self.after(Step::LeaseGoes(schema), |world| world.tier.lose_lease(KEY, schema)));
            }
            if self.tier.has_entry(KEY, schema) {
                next.push(self.after(Step::EntryGoes(schema), |world| world.tier.lose_entry(KEY, schema)));
            }
        }
        if self.faults.losses > 0 {
            self.losses(&mut next);
        }
        if let Some(pod) = &self.pod {
            self.pod(pod, &mut next);
        }
        next
    }

    fn pod(&self, pod: &Pod<Version>, next: &mut Vec<(Step, Self)>) {
        let mut act = |step, change: fn(&mut Pod<Version>)| {
            next.push(self.after(step, |world| world.pod.iter_mut().for_each(change)));
        };
        if pod.can_hear() {
            act(Step::PodHears, Pod::hear);
        }
        if pod.has_entry() {
            act(Step::PodForgets, Pod::lose_entry);
        }
        if pod.is_deaf() {
            act(Step::PodSubscribes, Pod::subscribe);
        } else if self.faults.deafness > 0 {
            next.push(self.after(Step::PodLosesItsSubscription, |world| {
                world.faults.deafness -= 1;
                world.pod.iter_mut().for_each(Pod::lose_subscription);
            }));
        }
    }

    fn moment(&self) -> Moment {
        self.pod.as_ref().map_or(0, Pod::moment)
    }

    fn tell(&mut self, told: Told) {
        if let Some(pod) = &mut self.pod {
            pod.publish(told);
        }
    }

    fn after(&self, step: Step, change: impl FnOnce(&mut Self)) -> (Step, Self) {
        let mut world = self.clone();
        change(&mut world);
        (step, world)
    }

    fn losses(&self, next: &mut Vec<(Step, Self)>) {
        let mut lose = |step, change: fn(&mut Tier<Version>)| {
            next.push(self.after(step, |world| {
                world.faults.losses -= 1;
                change(&mut world.tier);
            }));
        };
        lose(Step::AnnouncementsAreEvicted, |tier| tier.lose_writers(KEY));
        lose(Step::MarkerIsEvicted(ALL), |tier| tier.lose_marker(ALL));
        lose(Step::MarkerIsEvicted(TAG), |tier| tier.lose_marker(TAG));
        lose(Step::SequenceIsEvicted, Tier::lose_sequence);
        lose(Step::Flush, Tier::flush);
    }

    fn end_announcement(&self, number: usize, next: &mut Vec<(Step, Self)>) {
        let (Actor::Write(_, writing), token) = (self.actors[number], token(number)) else { return };
        if !self.tier.writers_of(KEY).contains_key(&token) {
            return;
        }
        match writing {
            // No transaction commits after the time of its announcement.
            Writing::Abandoned | Writing::Over | Writing::Trailing(..) | Writing::Orphaned => {
                next.push(self.after(Step::AnnouncementEnds(number), |world| {
                    world.tier.lose_writer(KEY, token);
                    if writing == Writing::Abandoned {
                        world.set(number, Writing::Over);
                    }
                }));
            }
            Writing::Begun(_) | Writing::Read(..) | Writing::Committed(..) if self.faults.stalls > 0 => {
                next.push(self.after(Step::AnnouncementEndsTooSoon(number), |world| {
                    world.faults.stalls -= 1;
                    world.tier.lose_writer(KEY, token);
                }));
            }
            Writing::Idle | Writing::Begun(_) | Writing::Read(..) | Writing::Committed(..) => {}
        }
    }

    fn acts(&self, number: usize, next: &mut Vec<(Step, Self)>) {
        match self.actors[number] {
            Actor::Load(schema, loading) => self.load(number, schema, loading, next),
            Actor::Write(schema, writing) => self.write(number, schema, writing, next),
            Actor::Change(how, changing) => self.change(number, how, changing, next),
        }
    }

    fn load(&self, number: usize, schema: Schema, loading: Loading, next: &mut Vec<(Step, Self)>) {
        let mut act = |act, change: &dyn Fn(&mut Self) -> Loading| {
            next.push(self.after(Step::Does(number, act), |world| {
                let loading = change(world);
                world.actors[number] = Actor::Load(schema, loading);
            }));
        };
        let token = token(number);
        match loading {
            Loading::Idle => {
                for (name, renews) in [(Act::Lease, false), (Act::LeaseToRenew, true)] {
                    act(name, &|world| match world.tier.lease(KEY, schema, token, renews) {
                        Lease::Granted(stamp) => Loading::Granted(stamp, world.moment()),
                        Lease::Hit(value) => world.fetched(value, world.moment()),
                        // It may ask again.
                        Lease::Held | Lease::Writing => Loading::Idle,
                    });
                }
            }
            Loading::Granted(stamp, moment) => {
                act(Act::Read, &|world| Loading::Holding(stamp, moment, world.database));
                act(Act::GiveBack, &|world| {
                    world.tier.release(KEY, schema, token);
                    Loading::Over
                });
            }
            Loading::Holding(stamp, moment, value) => {
                act(Act::Fill, &|world| match world.tier.fill((KEY, schema, token), stamp, value, &[TAG]) {
                    Fate::Stored => world.fetched(value, moment),
                    Fate::Late | Fate::Overtaken | Fate::Dropped => Loading::Over,
                });
            }
            Loading::Fetched(moment, value) => act(Act::KeepInMemory, &|world| {
                world.pod.iter_mut().for_each(|pod| pod.keep(value, moment));
                Loading::Over
            }),
            Loading::Over => {}
        }
    }

    fn fetched(&self, value: Version, moment: Moment) -> Loading {
        if self.pod.is_some() { Loading::Fetched(moment, value) } else { Loading::Over }
    }

    fn write(&self, number: usize, schema: Schema, writing: Writing, next: &mut Vec<(Step, Self)>) {
        let mut act = |act, change: &dyn Fn(&mut Self) -> Writing| {
            next.push(self.after(Step::Does(number, act), |world| {
                let writing = change(world);
                world.set(number, writing);
            }));
        };
        let token = token(number);
        let (crashes, unheard) = (self.faults.crashes > 0, self.faults.unheard > 0);
        match writing {
            Writing::Idle => {
                act(Act::Begin, &|world| Writing::Begun(Some(world.tier.begin(&[KEY], schema, token))));
                if unheard {
                    act(Act::BeginUnheard, &|world| {
                        world.faults.unheard -= 1;
                        world.tier.begin(&[KEY], schema, token);
                        Writing::Begun(None)
                    });
                    act(Act::BeginLost, &|world| {
                        world.faults.unheard -= 1;
                        Writing::Begun(None)
                    });
                }
            }
            Writing::Begun(stamp) => act(Act::Read, &|world| Writing::Read(stamp, world.database.other)),
            Writing::Read(stamp, other) => {
                act(Act::Commit, &|world| {
                    world.database.row += 1;
                    Writing::Committed(stamp, Version { row: world.database.row, other })
                });
                act(Act::RollBack, &|world| {
                    world.tier.abort(&[KEY], token);
                    Writing::Over
                });
                if crashes {
                    act(Act::Abandon, &|world| {
                        world.faults.crashes -= 1;
                        world.drop_entry(schema, None);
                        // What Redis was not told of is in the outbox, so its end is as that of a write whose pod dies.
                        if stamp.is_some() { Writing::Abandoned } else { Writing::Over }
                    });
                }
            }
            Writing::Committed(stamp, value) => {
                if let Some(stamp) = stamp {
                    act(Act::Put, &|world| {
                        world.put(schema, token, stamp, value);
                        Writing::Over
                    });
                }
                act(Act::Drop, &|world| {
                    world.drop_entry(schema, Some(token));
                    Writing::Over
                });
                if let (Some(stamp), true) = (stamp, unheard) {
                    act(Act::DropAfterLosingPut, &|world| {
                        world.faults.unheard -= 1;
                        world.drop_entry(schema, Some(token));
                        Writing::Trailing(stamp, value)
                    });
                }
                if crashes {
                    act(Act::Die, &|world| {
                        world.faults.crashes -= 1;
                        if stamp.is_some() { Writing::Over } else { Writing::Orphaned }
                    });
                }
            }
            Writing::Abandoned => act(Act::CommitAfterAll, &|world| {
                world.database.row += 1;
                Writing::Over
            }),
            Writing::Orphaned => act(Act::Relay, &|world| {
                world.drop_entry(schema, None);
                Writing::Over
            }),
            Writing::Trailing(stamp, value) => act(Act::PutArrivesLate, &|world| {
                world.put(schema, token, stamp, value);
                Writing::Over
            }),
            Writing::Over => {}
        }
    }

    fn change(&self, number: usize, how: Invalidation, changing: Changing, next: &mut Vec<(Step, Self)>) {
        let (act, after) = match changing {
            Changing::Idle => (Act::Commit, Changing::Committed),
            Changing::Committed => (Act::Invalidate, Changing::Over),
            Changing::Over => return,
        };
        next.push(self.after(Step::Does(number, act), |world| {
            world.actors[number] = Actor::Change(how, after);
            match (changing, how) {
                (Changing::Idle, _) => world.database.other += 1,
                (_, Invalidation::Key) => world.drop_entry(2, None),
                (_, Invalidation::Tag) => world.invalidate(TAG),
                (_, Invalidation::All) => world.invalidate(ALL),
            }
        }));
    }

    fn drop_entry(&mut self, schema: Schema, token: Option<Token>) {
        self.tier.drop(&[KEY], schema, token);
        self.tell(Told::Drop);
    }

    fn put(&mut self, schema: Schema, token: Token, stamp: Stamp, value: Version) {
        self.tier.put((KEY, schema, token), stamp, value, &[TAG]);
        self.tell(Told::Put);
    }

    fn invalidate(&mut self, tag: Tag) {
        self.tier.tags(&[tag]);
        self.tell(Told::Tags);
    }

    fn set(&mut self, number: usize, writing: Writing) {
        if let Actor::Write(_, state) = &mut self.actors[number] {
            *state = writing;
        }
    }
}

impl Actor {
    pub(crate) const fn load(schema: Schema) -> Self {
        Self::Load(schema, Loading::Idle)
    }

    pub(crate) const fn write(schema: Schema) -> Self {
        Self::Write(schema, Writing::Idle)
    }

    pub(crate) const fn change(how: Invalidation) -> Self {
        Self::Change(how, Changing::Idle)
    }

    /// Whether it has committed and will yet tell Redis so.
    const fn will_tell(&self) -> bool {
        matches!(
            self,
            Self::Write(_, Writing::Committed(..) | Writing::Orphaned) | Self::Change(_, Changing::Committed)
        )
    }
}

/// No actor has token zero.
fn token(number: usize) -> Token {
    u8::try_from(number + 1).expect("there are few actors")
}
