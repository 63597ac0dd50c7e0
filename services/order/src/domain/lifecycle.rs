//! The machine CREATED → PROCESSING → SHIPPING → DELIVERED, or CANCELLED before it is shipped.

use std::time::Duration;

use shop_types::OrderStatus;
use time::OffsetDateTime;

/// The state that the clock moves an order to; none when nothing follows.
pub const fn next(status: OrderStatus) -> Option<OrderStatus> {
    match status {
        OrderStatus::Created => Some(OrderStatus::Processing),
        OrderStatus::Processing => Some(OrderStatus::Shipping),
        OrderStatus::Shipping => Some(OrderStatus::Delivered),
        OrderStatus::Delivered | OrderStatus::Cancelled => None,
    }
}

/// Whether an order may move from one state to the other.
pub fn allowed(from: OrderStatus, to: OrderStatus) -> bool {
    let cancels = to == OrderStatus::Cancelled && matches!(from, OrderStatus::Created | OrderStatus::Processing);
    next(from) == Some(to) || cancels
}

/// Whether nothing follows.
pub const fn is_final(status: OrderStatus) -> bool {
    next(status).is_none()
}

/// When an order moves by itself, each time measured from its creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    processing: Duration,
    shipping: Duration,
    delivered: Duration,
}

/// The times would have an order shipped before it is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order's times must not decrease: processing after, then shipping after, then delivered after")]
pub struct LifecycleError;

impl Lifecycle {
    /// Checks that the times are in the order of the states.
    pub fn new(processing: Duration, shipping: Duration, delivered: Duration) -> Result<Self, LifecycleError> {
        if processing <= shipping && shipping <= delivered {
            Ok(Self { processing, shipping, delivered })
        } else {
            Err(LifecycleError)
        }
    }

    /// How long after its creation an order leaves this state; none when it stays.
    pub const fn leaves_after(&self, status: OrderStatus) -> Option<Duration> {
        match status {
            OrderStatus::Created => Some(self.processing),
            OrderStatus::Processing => Some(self.shipping),
            OrderStatus::Shipping => Some(self.delivered),
            OrderStatus::Delivered | OrderStatus::Cancelled => None,
        }
    }

    /// When an order created then leaves this state; none when it stays. Asked when the order comes into the state: what it was promised
    /// then holds, also if these times change meanwhile.
    pub fn due_at(&self, status: OrderStatus, created_at: OffsetDateTime) -> Option<OffsetDateTime> {
        self.leaves_after(status)
            .map(|after| created_at.saturating_add(after.try_into().unwrap_or(time::Duration::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(processing: u64, shipping: u64, delivered: u64) -> Result<Lifecycle, LifecycleError> {
        Lifecycle::new(Duration::from_secs(processing), Duration::from_secs(shipping), Duration::from_secs(delivered))
    }

    #[test]
    fn every_state_is_on_one_way_and_the_way_ends() {
        let mut way = vec![OrderStatus::Created];
        while let Some(then) = way.last().copied().and_then(next) {
            way.push(then);
        }
        assert_eq!(way, [OrderStatus::Created, OrderStatus::Processing, OrderStatus::Shipping, OrderStatus::Delivered]);
    }

    #[test]
    fn no_move_goes_back_skips_a_state_or_leaves_the_end() {
        let allowed_moves: Vec<_> = OrderStatus::ALL
            .into_iter()
            .flat_map(|from| OrderStatus::ALL.map(|to| (from, to)))
            .filter(|(from, to)| allowed(*from, *to))
            .collect();
        assert_eq!(
            allowed_moves,
            [
                (OrderStatus::Created, OrderStatus::Processing),
                (OrderStatus::Created, OrderStatus::Cancelled),
                (OrderStatus::Processing, OrderStatus::Shipping),
                (OrderStatus::Processing, OrderStatus::Cancelled),
                (OrderStatus::Shipping, OrderStatus::Delivered),
            ]
        );
    }

    #[test]
    fn times_are_measured_from_creation_and_must_not_decrease() {
        let lifecycle = seconds(5, 15, 30).expect("in order");
        let created = OffsetDateTime::UNIX_EPOCH;
        assert_eq!(lifecycle.due_at(OrderStatus::Shipping, created), Some(created + time::Duration::seconds(30)));
        assert_eq!(lifecycle.due_at(OrderStatus::Delivered, created), None);
        assert_eq!(seconds(5, 4, 30), Err(LifecycleError));
        assert_eq!(seconds(5, 15, 14), Err(LifecycleError));
        assert!(seconds(0, 0, 0).is_ok());
    }
}
