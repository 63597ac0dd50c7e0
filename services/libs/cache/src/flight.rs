//! One load of a key at a time in the process, shared by all who wait for it.
//!
//! A load that began before somebody asked may have read the database before a change that this somebody knows of. So its result is
//! theirs only if it is proved to be of a moment after they asked: the lease held until the value was stored (see [`Landed::holds_at`]).
//! Otherwise they share the next load, which begins after all of them have asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

/// A moment, counted in what happens to the loads of one cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

/// A load that has ended.
#[derive(Debug)]
pub(crate) struct Landed<T> {
    /// What came of it.
    pub(crate) result: T,
    /// The last moment at which what came of it was still proved to be the newest, if it was proved.
    pub(crate) holds_at: Option<Moment>,
}

/// A load that runs.
#[derive(Debug)]
pub(crate) struct Flight<T> {
    number: Moment,
    began: Instant,
    landed: watch::Receiver<Option<Arc<Landed<T>>>>,
}

/// The right to end a flight. If it is dropped, those who wait begin anew.
#[derive(Debug)]
pub(crate) struct Landing<T> {
    flights: Arc<Flights<T>>,
    key: String,
    number: Moment,
    sender: watch::Sender<Option<Arc<Landed<T>>>>,
}

/// A flight ended without a result: its task panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vanished;

/// The loads that run, of one cache.
#[derive(Debug)]
pub(crate) struct Flights<T> {
    next: AtomicU64,
    running: Mutex<HashMap<String, Arc<Flight<T>>>>,
}

impl<T> Flights<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { next: AtomicU64::new(0), running: Mutex::default() })
    }

    /// Now. A flight that begins later has no lower number.
    pub(crate) fn now(&self) -> Moment {
        Moment(self.next.load(Ordering::SeqCst))
    }

    /// Now, and never again.
    pub(crate) fn tick(&self) -> Moment {
        Moment(self.next.fetch_add(1, Ordering::SeqCst))
    }

    /// The flight of this key, and the right to end it if it begins with this call.
    pub(crate) fn join(self: &Arc<Self>, key: &str) -> (Arc<Flight<T>>, Option<Landing<T>>) {
        let mut running = self.running();
        if let Some(flight) = running.get(key) {
            return (Arc::clone(flight), None);
        }
        let (sender, landed) = watch::channel(None);
        let number = self.tick();
        let flight = Arc::new(Flight { number, began: Instant::now(), landed });
        running.insert(key.to_owned(), Arc::clone(&flight));
        (flight, Some(Landing { flights: Arc::clone(self), key: key.to_owned(), number, sender }))
    }

    /// When the load of this key began that runs now.
    pub(crate) fn running_since(&self, key: &str) -> Option<Instant> {
        self.running().get(key).map(|flight| flight.began)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Arc<Flight<T>>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Flight<T> {
    /// The result, once it is there, if it holds for somebody who asked at that moment.
    pub(crate) async fn result(&self, asked: Moment) -> Result<Option<Arc<Landed<T>>>, Vanished> {
        let landed = self.landed.clone().wait_for(Option::is_some).await.map_err(|_| Vanished)?.clone();
        let holds =
            |landed: &Arc<Landed<T>>| self.number >= asked || landed.holds_at.is_some_and(|moment| asked <= moment);
        Ok(landed.filter(holds))
    }
}

impl<T> Landing<T> {
    /// Ends the flight.
    pub(crate) fn land(self, landed: Landed<T>) {
        // Nobody joins it any more before its result is told.
        self.leave();
        self.sender.send_replace(Some(Arc::new(landed)));
    }

    fn leave(&self) {
        let mut running = self.flights.running();
        if running.get(&self.key).is_some_and(|flight| flight.number == self.number) {
            running.remove(&self.key);
        }
    }
}

impl<T> Drop for Landing<T> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn landed(result: u8, holds_at: Option<Moment>) -> Landed<u8> {
        Landed { result, holds_at }
    }

    #[tokio::test]
    async fn all_who_ask_share_one_load() {
        let flights = Flights::new();
        let asked = flights.now();
        let (flight, landing) = flights.join("a");
        let (other, none) = flights.join("a");
        assert!(none.is_none());
        landing.unwrap().land(landed(1, None));
        assert_eq!(flight.result(asked).await.unwrap().unwrap().result, 1);
        assert_eq!(other.result(asked).await.unwrap().unwrap().result, 1);
        assert!(flights.join("a").1.is_some(), "the next one begins anew");
    }

    #[tokio::test]
    async fn who_asked_after_a_load_began_gets_its_result_only_if_it_is_proved_to_hold() {
        let flights = Flights::new();
        let (flight, landing) = flights.join("a");
        let asked = flights.now();
        let stored_at = flights.tick();
        let too_late = flights.now();
        landing.unwrap().land(landed(1, Some(stored_at)));
        assert!(flight.result(asked).await.unwrap().is_some());
        assert!(flight.result(too_late).await.unwrap().is_none());

        let (flight, landing) = flights.join("a");
        let asked = flights.now();
        landing.unwrap().land(landed(2, None));
        assert!(flight.result(asked).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_load_that_vanishes_leaves_nobody_waiting() {
        let flights = Flights::<u8>::new();
        let asked = flights.now();
        let (flight, landing) = flights.join("a");
        drop(landing);
        assert_eq!(flight.result(asked).await.unwrap_err(), Vanished);
        assert!(flights.join("a").1.is_some());
    }
}
