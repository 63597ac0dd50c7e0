//! Work that goes on with what requests have begun, maybe in another process and much later.

use super::{Kind, Span};
use crate::context::Context;
use crate::trace::{Place, TraceContext};

/// The context of work that goes on with what was begun at this place, and its span. What was begun nowhere is a trace of its own.
pub fn follow(place: Option<&Place>, kind: Kind, name: &'static str) -> (Context, Span) {
    let context = Context::following(place.map(|(trace, _)| *trace));
    let context = context.with_trace_state(place.and_then(|(_, state)| state.clone()));
    let span = Span::of(&context, place.map(|(trace, _)| *trace), kind, name);
    (context, span)
}

/// The same for work that goes on with several things at once. If they were begun in one trace, it belongs to that, below the first; otherwise it is a
/// trace of its own. In either case it is linked with the others.
pub fn follow_all(places: &[Place], kind: Kind, name: &'static str) -> (Context, Span) {
    let Some(first) = places.first() else {
        let context = Context::unasked();
        let span = Span::of(&context, None, kind, name);
        return (context, span);
    };
    if places.iter().all(|(trace, _)| trace.trace_id() == first.0.trace_id()) {
        let (context, span) = follow(Some(first), kind, name);
        return (context, span.described(|open| places[1..].iter().for_each(|(trace, _)| open.link(*trace))));
    }
    let sampled = places.iter().any(|(trace, _)| trace.is_sampled());
    let context = Context::at(TraceContext::generate().sampled(sampled));
    let span = Span::of(&context, None, kind, name).described(|open| {
        for (trace, _) in places.iter().filter(|(trace, _)| trace.is_sampled()) {
            open.link(*trace);
        }
    });
    (context, span)
}
