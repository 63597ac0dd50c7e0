//! Who brings events to those whom they are for.

use std::future::Future;

use crate::failure::DeliveryError;
use crate::outbox::Event;

/// Brings events to those whom they are for. A function from an event to its delivery is one, which brings them one by one.
pub trait Courier {
    /// Delivers one event.
    fn deliver(&self, event: Event) -> impl Future<Output = Result<(), DeliveryError>>;

    /// Whether events of this topic may be delivered several in one call.
    fn takes_together(&self, _topic: &str) -> bool {
        false
    }

    /// Delivers several events of one topic in one call. All have arrived if it succeeds; if it fails, some may have, and unless the receiver
    /// is away each is delivered once more by itself, so that one that is not wanted does not hold up the others.
    fn deliver_together(&self, _topic: &str, _events: &[Event]) -> impl Future<Output = Result<(), DeliveryError>> {
        std::future::ready(Err("these events are delivered one by one".into()))
    }
}

impl<D, F> Courier for D
where
    D: Fn(Event) -> F,
    F: Future<Output = Result<(), DeliveryError>>,
{
    fn deliver(&self, event: Event) -> impl Future<Output = Result<(), DeliveryError>> {
        self(event)
    }
}
