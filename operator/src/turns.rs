//! Whose turn it is when a new operator would replace the pods of many shops.
//!
//! Another version of the operator, or other images that it takes by default, may want other pods for shops that nobody has changed. Where it finds
//! that at its first look at a Store, it replaces the pods of a few shops at a time: the others go on as they are until one of those is ready. So a
//! version that breaks shops breaks few of them before somebody sees it, and nodes and registry have not all pods to start at once.
//!
//! Whoever changes a Store, or what it brings in, waits for nobody. What is known here goes with the process: the next one looks anew.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use shopkeeper_api::Store;
use tokio::time::Instant;

use crate::{kind::ChildRef, observed::StoreName};

/// A shop that is not ready after so long is waited for no longer: what is the matter with it is told, and the others need not wait for that.
pub const WAIT_FOR_ONE: Duration = Duration::from_secs(600);

/// Annotation on a Store that waits for no other one.
pub const AT_ONCE: &str = "shopkeeper.dev/roll-out-at-once";

/// What may be done with a Store now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Everything.
    Free,
    /// Everything, if it replaces no pods; otherwise it is to be asked for.
    FirstLook,
    /// Nothing that replaces pods.
    Wait,
}

/// What people want of a Store: who changes one of both waits for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Generation of its spec.
    pub generation: Option<i64>,
    /// Hash of what else people have put into the namespace for it.
    pub brought_in: u128,
}

/// How far a Store is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// In the queue.
    Waiting {
        /// What was wanted of it then.
        wish: Wish,
        /// Children that it did not have then: they are of the version to come.
        absent: BTreeSet<ChildRef>,
    },
    /// Its pods are replaced since then.
    Rolling(Instant),
    /// It waits for nobody any more.
    Done,
}

#[derive(Debug, Default)]
struct Inner {
    stores: HashMap<StoreName, State>,
    queue: VecDeque<StoreName>,
}

/// Whose turn it is.
#[derive(Debug)]
pub struct Turns {
    /// So many shops at a time; without bound if it is none.
    at_once: usize,
    inner: Mutex<Inner>,
    /// Stores whose turn has come.
    called: UnboundedSender<StoreName>,
}

impl Turns {
    /// Nobody's turn, and the Stores whose turn comes.
    pub fn new(at_once: u16) -> (Self, UnboundedReceiver<StoreName>) {
        let (called, calls) = unbounded();
        (Self { at_once: at_once.into(), inner: Mutex::default(), called }, calls)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change below is complete before anything can panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What may be done with a Store now.
    pub fn of(&self, name: &StoreName, store: &Store, wish: Wish) -> Turn {
        let mut inner = self.lock();
        self.call(&mut inner);
        let told = store.status.as_ref().and_then(|status| status.observed_generation);
        let turn = match inner.stores.get(name) {
            Some(State::Rolling(_) | State::Done) => return Turn::Free,
            _ if self.at_once == 0 || waits_for_nobody(store) => Turn::Free,
            Some(State::Waiting { wish: since, .. }) if *since == wish => Turn::Wait,
            // What was told before is what another process had made of it.
            None if told == wish.generation => Turn::FirstLook,
            Some(State::Waiting { .. }) | None => Turn::Free,
        };
        if turn == Turn::Free {
            inner.set(name, State::Done);
        }
        turn
    }

    /// A Store's pods are to be replaced: whether they may be now. These children it does not have yet.
    pub fn ask(&self, name: &StoreName, wish: Wish, absent: BTreeSet<ChildRef>) -> Turn {
        let mut inner = self.lock();
        inner.set(name, State::Waiting { wish, absent });
        inner.queue.push_back(name.clone());
        self.call(&mut inner);
        match inner.stores.get(name) {
            Some(State::Rolling(_)) => Turn::Free,
            _ => Turn::Wait,
        }
    }

    /// Whether a Store that waits had this child when it asked.
    pub fn had(&self, name: &StoreName, child: &ChildRef) -> bool {
        match self.lock().stores.get(name) {
            Some(State::Waiting { absent, .. }) => !absent.contains(child),
            _ => true,
        }
    }

    /// A Store is as it should be, or nothing is done with it until somebody changes it.
    pub fn done(&self, name: &StoreName) {
        let mut inner = self.lock();
        inner.set(name, State::Done);
        self.call(&mut inner);
    }

    /// Forgets Stores that are gone.
    pub fn retain(&self, exists: impl Fn(&StoreName) -> bool) {
        let mut inner = self.lock();
        inner.stores.retain(|store, _| exists(store));
        inner.queue.retain(|store| exists(store));
        self.call(&mut inner);
    }

    /// Gives free places to those that wait longest.
    fn call(&self, inner: &mut Inner) {
        if inner.queue.is_empty() {
            return;
        }
        let now = Instant::now();
        for state in inner.stores.values_mut() {
            if matches!(state, State::Rolling(since) if now >= *since + WAIT_FOR_ONE) {
                *state = State::Done;
            }
        }
        let mut taken = inner.stores.values().filter(|state| matches!(state, State::Rolling(_))).count();
        while taken < self.at_once
            && let Some(next) = inner.queue.pop_front()
        {
            inner.stores.insert(next.clone(), State::Rolling(now));
            taken += 1;
            // Nobody listens any more only when the operator ends.
            let _ = self.called.unbounded_send(next);
        }
    }
}

impl Inner {
    fn set(&mut self, name: &StoreName, state: State) {
        let former = self.stores.insert(name.clone(), state);
        if matches!(former, Some(State::Waiting { .. })) {
            self.queue.retain(|waiting| waiting != name);
        }
    }
}

fn waits_for_nobody(store: &Store) -> bool {
    let annotations = store.metadata.annotations.as_ref();
    annotations.and_then(|all| all.get(AT_ONCE)).is_some_and(|value| value == "true")
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use serde_json::json;

    use super::*;
    use crate::kind::Kind;

    fn name(name: &str) -> StoreName {
        StoreName { namespace: "shop".into(), name: name.into() }
    }

    /// A Store of which an operator has told how its second generation is.
    fn store(generation: i64) -> Store {
        serde_json::from_value(json!({
            "apiVersion": "shopkeeper.dev/v1alpha1", "kind": "Store",
            "metadata": {"name": "demo", "namespace": "shop", "generation": generation},
            "spec": {}, "status": {"observedGeneration": 2},
        }))
        .unwrap()
    }

    const fn wish(generation: i64) -> Wish {
        Wish { generation: Some(generation), brought_in: 0 }
    }

    /// Of a Store of this generation.
    fn of(turns: &Turns, it: &str, generation: i64) -> Turn {
        turns.of(&name(it), &store(generation), wish(generation))
    }

    /// Two at a time, and five that ask.
    fn five() -> (Turns, UnboundedReceiver<StoreName>) {
        let (turns, calls) = Turns::new(2);
        let asked = ["a", "b", "c", "d", "e"].map(|it| {
            assert_eq!(of(&turns, it, 2), Turn::FirstLook);
            turns.ask(&name(it), wish(2), BTreeSet::new())
        });
        assert_eq!(asked, [Turn::Free, Turn::Free, Turn::Wait, Turn::Wait, Turn::Wait]);
        (turns, calls)
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_go_at_a_time_and_the_next_one_when_one_is_done() {
        let (turns, mut calls) = five();
        assert_eq!(of(&turns, "c", 2), Turn::Wait);
        turns.done(&name("b"));
        assert_eq!(of(&turns, "c", 2), Turn::Free);
        assert_eq!(of(&turns, "d", 2), Turn::Wait);
        turns.done(&name("a"));
        turns.done(&name("c"));
        assert_eq!(of(&turns, "e", 2), Turn::Free);
        drop(turns);
        let called: Vec<_> = calls.by_ref().map(|store| store.name).collect().await;
        assert_eq!(called, ["a", "b", "c", "d", "e"], "each is looked at when its turn comes");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_changed_or_is_said_to_wait_for_nobody_does_not_wait() {
        let (turns, _calls) = five();
        assert_eq!(of(&turns, "d", 3), Turn::Free);
        assert_eq!(of(&turns, "d", 2), Turn::Free, "it has left the queue");
        let mut urgent = store(2);
        urgent.metadata.annotations = Some([(AT_ONCE.to_owned(), "true".to_owned())].into());
        assert_eq!(turns.of(&name("e"), &urgent, wish(2)), Turn::Free);
        assert_eq!(of(&turns, "new", 3), Turn::Free, "nobody has told of it");
        assert_eq!(of(&turns, "c", 2), Turn::Wait);
        turns.done(&name("a"));
        turns.done(&name("b"));
        assert_eq!(of(&turns, "c", 2), Turn::Free, "those that left are not waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn one_with_another_secret_of_its_owner_does_not_wait() {
        let (turns, _calls) = five();
        let rotated = Wish { brought_in: 1, ..wish(2) };
        assert_eq!(turns.of(&name("c"), &store(2), rotated), Turn::Free);
        assert_eq!(of(&turns, "d", 2), Turn::Wait);
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_had_when_it_asked_is_known_for_as_long_as_it_waits() {
        let (turns, _calls) = Turns::new(1);
        let child = |name: &str| ChildRef { namespace: "shop".into(), kind: Kind::Service, name: name.into() };
        turns.ask(&name("a"), wish(2), BTreeSet::new());
        turns.ask(&name("b"), wish(2), [child("to-come")].into());
        assert!(!turns.had(&name("b"), &child("to-come")) && turns.had(&name("b"), &child("old")));
        turns.done(&name("a"));
        assert!(turns.had(&name("b"), &child("to-come")), "it waits no more");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_get_ready_or_is_gone_is_not_waited_for_without_end() {
        let (turns, _calls) = five();
        tokio::time::advance(WAIT_FOR_ONE / 2).await;
        turns.retain(|store| store.name != "a");
        assert_eq!(of(&turns, "c", 2), Turn::Free);
        assert_eq!(of(&turns, "d", 2), Turn::Wait);
        tokio::time::advance(WAIT_FOR_ONE / 2).await;
        assert_eq!(of(&turns, "d", 2), Turn::Free, "b has had its time");
        assert_eq!(of(&turns, "e", 2), Turn::Wait, "c has not");
    }

    #[test]
    fn without_a_bound_nobody_waits() {
        let (turns, _calls) = Turns::new(0);
        assert_eq!(of(&turns, "a", 2), Turn::Free);
    }
}
