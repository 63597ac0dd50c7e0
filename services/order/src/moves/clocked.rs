//! The steps of the clock as traces know them: each belongs to the trace of the request that has made the order, however much later it comes and
//! whichever replica makes it.

use std::collections::HashMap;

use shop_runtime::Context;
use shop_runtime::span::{self, Ended, Kind, Span};
use shop_runtime::trace::{self, Place, TraceContext};
use shop_types::OrderId;

use crate::store::moves::Move;

/// Steps that are made in one transaction.
#[derive(Debug)]
pub(super) struct Clocked {
    /// The context of the transaction: the trace that the orders have in common, or one of its own.
    pub(super) context: Context,
    /// Its span.
    pub(super) span: Span,
    /// The steps.
    pub(super) transitions: Transitions,
}

/// The step of each order: its span, and the place that who is told of it goes on from.
#[derive(Debug, Default)]
pub(super) struct Transitions(HashMap<OrderId, (Span, String)>);

impl Clocked {
    /// These steps begin.
    pub(super) fn begin(steps: &[Move]) -> Self {
        let places: Vec<_> = steps.iter().map(|step| (step, place(step))).collect();
        let of_orders: Vec<_> = places.iter().map(|(_, place)| place.clone()).collect();
        let (context, span) = span::follow_all(&of_orders, Kind::Internal, "orders.tick");
        let transition = |(step, place): &(&Move, Place)| (step.order.id, transition(step, place, &span));
        let transitions = Transitions(places.iter().map(transition).collect());
        Self { context, span, transitions }
    }
}

impl Transitions {
    /// The place that goes with what is told of this order's step.
    pub(super) fn trace(&self, order: OrderId) -> Option<String> {
        self.0.get(&order).map(|(_, place)| place.clone())
    }

    /// All have ended, together.
    pub(super) fn end(self, outcome: &impl Ended) {
        for (mut span, _) in self.0.into_values() {
            span.describe(|open| open.note(outcome));
        }
    }
}

/// Where the order was made. If that is not known, as of orders of former versions, it is a place of its own which nobody need collect: what is told of
/// the step would otherwise be told in the trace of whichever order is moved with it.
fn place(step: &Move) -> Place {
    let known = step.order.trace_parent.as_deref().and_then(trace::read);
    known.unwrap_or_else(|| (TraceContext::generate().sampled(false), None))
}

fn transition(step: &Move, (trace, state): &Place, tick: &Span) -> (Span, String) {
    let place = (*trace, state.clone());
    let span = Span::below(&place, Kind::Internal, "order.transition").described(|open| {
        open.set("order.from", step.order.status.as_str());
        open.set("order.to", step.to.as_str());
        if let Some(tick) = tick.place().filter(|tick| tick.trace_id() != trace.trace_id()) {
            open.link(tick);
        }
    });
    let here = (span.place().unwrap_or(*trace), state.clone());
    (span, trace::write(&here))
}
