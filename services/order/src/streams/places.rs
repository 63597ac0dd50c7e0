//! Who follows which order here, and how many may.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::IntGauge;
use shop_types::{OrderId, UserId};
use tokio::sync::watch;

/// One more stream would be too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooManyStreams {
    /// For this customer.
    #[error("the customer has too many streams open")]
    OfUser,
    /// For this replica.
    #[error("too many streams are open")]
    InAll,
}

/// The places for streams, and those who have one.
#[derive(Clone, Debug)]
pub struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    total: usize,
    per_user: usize,
    active: IntGauge,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_user: HashMap<UserId, usize>,
    by_order: HashMap<OrderId, watch::Sender<()>>,
}

impl Places {
    /// So many places, and so many for one customer.
    pub fn new(total: usize, per_user: usize, active: IntGauge) -> Self {
        Self(Arc::new(Inner { total, per_user, active, taken: Mutex::default() }))
    }

    /// A place for one more stream, if there is any.
    pub(super) fn take(&self, user: UserId, order: OrderId) -> Result<Place, TooManyStreams> {
        let mut taken = self.0.lock();
        if taken.by_user.get(&user).is_some_and(|streams| *streams >= self.0.per_user) {
            return Err(TooManyStreams::OfUser);
        }
        if taken.total >= self.0.total {
            return Err(TooManyStreams::InAll);
        }
        taken.total += 1;
        *taken.by_user.entry(user).or_default() += 1;
        let wakes = taken.by_order.entry(order).or_insert_with(|| watch::channel(()).0).subscribe();
        self.0.active.inc();
        Ok(Place { places: self.clone(), user, order, wakes })
    }

    /// The order has moved.
    pub(super) fn wake(&self, order: OrderId) {
        if let Some(followers) = self.0.lock().by_order.get(&order) {
            followers.send_replace(());
        }
    }

    /// Any order may have moved.
    pub(super) fn wake_all(&self) {
        for followers in self.0.lock().by_order.values() {
            followers.send_replace(());
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    user: UserId,
    order: OrderId,
    wakes: watch::Receiver<()>,
}

impl Place {
    /// Only what happens from now on is waited for.
    pub(super) fn look(&mut self) {
        self.wakes.mark_unchanged();
    }

    /// Waits until the order may have moved.
    pub(super) async fn woken(&mut self) {
        if self.wakes.changed().await.is_err() {
            // The sender lives as long as anyone has a place at the order.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock();
        taken.total -= 1;
        if let Some(streams) = taken.by_user.get_mut(&self.user) {
            *streams -= 1;
            if *streams == 0 {
                taken.by_user.remove(&self.user);
            }
        }
        // One is our own receiver, which is still there.
        if taken.by_order.get(&self.order).is_some_and(|followers| followers.receiver_count() <= 1) {
            taken.by_order.remove(&self.order);
        }
        self.places.0.active.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(total: usize, per_user: usize) -> Places {
        Places::new(total, per_user, IntGauge::new("active", "open streams").expect("a name"))
    }

    #[test]
    fn places_are_limited_for_each_and_for_all_and_are_given_back() {
        let places = places(3, 2);
        let (one, other, order) = (UserId::generate(), UserId::generate(), OrderId::generate());
        let first = places.take(one, order).expect("a place");
        let _second = places.take(one, order).expect("a place");
        assert_eq!(places.take(one, order).err(), Some(TooManyStreams::OfUser));
        let _third = places.take(other, order).expect("a place");
        assert_eq!(places.take(UserId::generate(), order).err(), Some(TooManyStreams::InAll));
        assert_eq!(places.0.active.get(), 3);
        drop(first);
        assert!(places.take(one, order).is_ok());
    }

    #[tokio::test]
    async fn only_those_who_follow_an_order_are_woken_and_nothing_is_left_of_those_who_have_gone() {
        let places = places(9, 9);
        let (user, moved, quiet) = (UserId::generate(), OrderId::generate(), OrderId::generate());
        let (mut follower, mut bystander) =
            (places.take(user, moved).expect("free"), places.take(user, quiet).expect("free"));
        let twin = places.take(user, moved).expect("free");
        drop(twin);
        places.wake(moved);
        follower.woken().await;
        assert!(tokio::time::timeout(std::time::Duration::from_millis(10), bystander.woken()).await.is_err());
        places.wake_all();
        bystander.woken().await;
        drop((follower, bystander));
        let taken = places.0.lock();
        assert!(taken.total == 0 && taken.by_user.is_empty() && taken.by_order.is_empty());
    }
}
