//! The memory of a pod that listens to the channel: one entry, fenced as in `src/fence.rs`.

/// A number of an invalidation that the pod has heard of.
pub(crate) type Moment = u8;

/// What a pod has in memory, and what it has yet to hear.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pod<V> {
    /// How many invalidations it has heard of. Each was of what the entry depends on.
    heard: Moment,
    entry: Option<(V, Moment)>,
    /// Messages on their way.
    underway: u8,
    /// It has lost its subscription, and not found out yet.
    deaf: bool,
    broken: Option<Careless>,
}

/// Ways to get it wrong. The proofs must notice each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Careless {
    /// The moment is taken when the value is there, not before it is asked for.
    MomentTakenLate,
    /// What was not heard is not made good by forgetting everything.
    KeepsAfterLoss,
    PutsAreNotTold,
    DropsAreNotTold,
    TagsAreNotTold,
}

impl Careless {
    pub(crate) const ALL: [Self; 5] = [
        Self::MomentTakenLate,
        Self::KeepsAfterLoss,
        Self::PutsAreNotTold,
        Self::DropsAreNotTold,
        Self::TagsAreNotTold,
    ];
}

/// What tells the pods something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Put,
    Drop,
    Tags,
}

impl<V: Clone> Pod<V> {
    pub(crate) const fn new(broken: Option<Careless>) -> Self {
        Self { heard: 0, entry: None, underway: 0, deaf: false, broken }
    }

    /// A script has published.
    pub(crate) fn publish(&mut self, told: Told) {
        let untold = match told {
            Told::Put => Careless::PutsAreNotTold,
            Told::Drop => Careless::DropsAreNotTold,
            Told::Tags => Careless::TagsAreNotTold,
        };
        if self.broken != Some(untold) && !self.deaf {
            self.underway += 1;
        }
    }

    /// The moment before something is asked for.
    pub(crate) const fn moment(&self) -> Moment {
        self.heard
    }

    /// Puts into memory what was asked for after that moment.
    pub(crate) fn keep(&mut self, value: V, asked: Moment) {
        let moment = if self.broken == Some(Careless::MomentTakenLate) { self.heard } else { asked };
        self.entry = Some((value, moment));
    }

    /// What would be served, once all that was said is heard.
    pub(crate) fn settled(&self) -> Option<&V> {
        let (value, moment) = self.entry.as_ref()?;
        (*moment >= self.heard && self.underway == 0 && !self.deaf).then_some(value)
    }

    pub(crate) const fn has_entry(&self) -> bool {
        self.entry.is_some()
    }

    pub(crate) const fn can_hear(&self) -> bool {
        self.underway > 0
    }

    pub(crate) const fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// The next message arrives.
    pub(crate) fn hear(&mut self) {
        self.underway -= 1;
        self.heard += 1;
    }

    /// The connection breaks, with all that was underway.
    pub(crate) fn lose_subscription(&mut self) {
        self.underway = 0;
        self.deaf = true;
    }

    /// It has subscribed anew. What was said until now was not heard, so all is void that was asked for until now.
    pub(crate) fn subscribe(&mut self) {
        self.deaf = false;
        if self.broken != Some(Careless::KeepsAfterLoss) {
            self.heard += 1;
        }
    }

    /// The entry's time is over.
    pub(crate) fn lose_entry(&mut self) {
        self.entry = None;
    }
}
