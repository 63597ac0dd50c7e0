//! Deliveries as traces know them: each belongs to the trace of the request that has written the event down.

use shop_runtime::context::Context;
use shop_runtime::span::{self, Kind, Open, Span};
use shop_runtime::trace::{self, Place};

use crate::outbox::Event;

/// What a delivery is called.
const DELIVER: &str = "outbox.deliver";

/// The context of the delivery of one event, and its span.
pub(super) fn of(event: &Event) -> (Context, Span) {
    let (context, span) = span::follow(place(event).as_ref(), Kind::Consumer, DELIVER);
    (context, span.described(|open| describe(open, std::slice::from_ref(event))))
}

/// The same for several events in one call.
pub(super) fn of_all(events: &[Event]) -> (Context, Span) {
    let places: Vec<_> = events.iter().filter_map(place).collect();
    let (context, span) = span::follow_all(&places, Kind::Consumer, DELIVER);
    (context, span.described(|open| describe(open, events)))
}

/// Where in a trace the event was written down.
fn place(event: &Event) -> Option<Place> {
    event.trace_parent.as_deref().and_then(trace::read)
}

/// What the span of a delivery says.
fn describe(open: &mut Open, events: &[Event]) {
    open.set("messaging.operation.name", "deliver");
    match events {
        [event] => {
            open.set("messaging.destination.name", event.topic.clone());
            open.set("messaging.message.id", event.event_id.to_string());
            open.set("attempt", i64::from(event.attempts));
        }
        [first, ..] => {
            open.set("messaging.destination.name", first.topic.clone());
            open.set("messaging.batch.message_count", i64::try_from(events.len()).unwrap_or(i64::MAX));
        }
        [] => {}
    }
}

/// A span for each event that is delivered with others, in its own trace, if that is not the trace of the whole call; linked with the latter.
pub(super) fn members(events: &[Event], together: &Span) -> Vec<Span> {
    let Some(call) = together.place() else { return Vec::new() };
    let others = events.iter().filter_map(|event| Some((event, place(event)?)));
    let others = others.filter(|(_, (trace, _))| trace.trace_id() != call.trace_id());
    let span = |(event, place): (&Event, Place)| {
        Span::below(&place, Kind::Consumer, DELIVER).described(|open| {
            describe(open, std::slice::from_ref(event));
            open.link(call);
        })
    };
    others.map(span).collect()
}
