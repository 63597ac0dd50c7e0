//! Spans: what was done for a request, where and how long, for those who collect traces.
//!
//! A span is a place in a trace ([`TraceContext`]) with a name and a time. While its work runs, that place is the current one: it is what siblings and
//! the outbox are told, and what further spans are below of. So the ids in headers, rows and logs are those of the spans.
//!
//! If nobody collects traces, or not this one, a span is nothing, and costs no more than to find that out.

mod following;
mod outcome;
mod traced;

use std::borrow::Cow;
use std::future::Future;
use std::str::FromStr as _;
use std::time::{Instant, SystemTime};

pub use opentelemetry::Value;
use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId};
use opentelemetry::{KeyValue, trace as otel};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

pub use self::following::{follow, follow_all};
pub use self::outcome::{Ended, Fault};
pub use self::traced::Traced;
use crate::context::Context;
use crate::telemetry::export;
use crate::trace::{self, Place, TraceContext, TraceState};

/// What part a span has in the talk between two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// None: it is something that is done here.
    Internal,
    /// It answers a request.
    Server,
    /// It asks somebody else, and waits for the answer.
    Client,
    /// It leaves a message for somebody else.
    Producer,
    /// It works on a message.
    Consumer,
}

/// A span that has begun, unless nobody would see it. It ends when it is dropped.
#[derive(Debug, Default)]
pub struct Span(Option<Box<Open>>);

/// A span that somebody will see.
#[derive(Debug)]
pub struct Open {
    place: TraceContext,
    parent: Option<(TraceContext, bool)>,
    state: Option<TraceState>,
    kind: Kind,
    name: Cow<'static, str>,
    began: (SystemTime, Instant),
    /// When it ended, if that was before anybody told of it here.
    ended: Option<SystemTime>,
    attributes: Vec<KeyValue>,
    links: Vec<TraceContext>,
    fault: bool,
}

impl Span {
    /// A span of what is done here, below the current one.
    pub fn internal(name: &'static str) -> Self {
        Self::begin(Kind::Internal, name)
    }

    /// A span below the current one. Outside of a request there are none.
    pub fn begin(kind: Kind, name: &'static str) -> Self {
        if !export::is_on() {
            return Self(None);
        }
        match trace::current() {
            Some(trace) if trace.is_sampled() => {
                Self::open(kind, name, trace.child(), Some((trace, false)), trace::state())
            }
            _ => Self(None),
        }
    }

    /// A span below a place that is not the current one, such as that of a request which is over.
    pub fn below(place: &Place, kind: Kind, name: &'static str) -> Self {
        let (trace, state) = place;
        if !export::is_on() || !trace.is_sampled() {
            return Self(None);
        }
        Self::open(kind, name, trace.child(), Some((*trace, true)), state.clone())
    }

    /// The span that has the place of this context, below that of its caller if there is one.
    pub(crate) fn of(context: &Context, caller: Option<TraceContext>, kind: Kind, name: &'static str) -> Self {
        match context.trace() {
            Some(trace) if trace.is_sampled() && export::is_on() => {
                let parent = caller.map(|caller| (caller, true));
                Self::open(kind, name, trace, parent, context.trace_state().cloned())
            }
            _ => Self(None),
        }
    }

    /// The span of what was done elsewhere and is over: it has this place, below that of its caller if there is one.
    pub fn past(
        place: TraceContext,
        caller: Option<TraceContext>,
        kind: Kind,
        name: &'static str,
        (began, ended): (SystemTime, SystemTime),
    ) -> Self {
        if !export::is_on() || !place.is_sampled() {
            return Self(None);
        }
        let span = Self::open(kind, name, place, caller.map(|caller| (caller, true)), None);
        span.described(|open| {
            open.began.0 = began;
            open.ended = Some(ended);
        })
    }

    fn open(
        kind: Kind,
        name: &'static str,
        place: TraceContext,
        parent: Option<(TraceContext, bool)>,
        state: Option<TraceState>,
    ) -> Self {
        Self(Some(Box::new(Open {
            place,
            parent,
            state,
            kind,
            name: Cow::Borrowed(name),
            began: (SystemTime::now(), Instant::now()),
            ended: None,
            attributes: Vec::with_capacity(8),
            links: Vec::new(),
            fault: false,
        })))
    }

    /// With what is to be said of it; asked for only if somebody will see it.
    #[must_use]
    pub fn described(mut self, describe: impl FnOnce(&mut Open)) -> Self {
        self.describe(describe);
        self
    }

    /// Says more of it, if somebody will see it.
    pub fn describe(&mut self, describe: impl FnOnce(&mut Open)) {
        if let Some(open) = &mut self.0 {
            describe(open);
        }
    }

    /// Its place; none if nobody will see it.
    pub fn place(&self) -> Option<TraceContext> {
        self.0.as_ref().map(|open| open.place)
    }

    /// Does the work as that of this span, and lets `end` say how it ended.
    pub fn run_and<F: Future, D: FnOnce(&mut Self, &F::Output)>(self, work: F, end: D) -> Traced<F, D> {
        Traced::new(self, work, end)
    }

    /// Does the work as that of this span. A fault is noted; a refusal is none.
    pub fn run<F: Future<Output: Ended>>(self, work: F) -> Traced<F, fn(&mut Self, &F::Output)> {
        let end: fn(&mut Self, &F::Output) = |span, output| span.describe(|open| open.note(output));
        self.run_and(work, end)
    }
}

impl Open {
    /// Names it anew.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        self.name = name.into();
    }

    /// Says something of it. Never anything that is a secret or says who somebody is.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        self.attributes.push(KeyValue::new(key, value));
    }

    /// It has to do with what is at that place, of another trace maybe.
    pub fn link(&mut self, place: TraceContext) {
        self.links.push(place);
    }

    /// It went wrong, in this way: a word of a bounded set.
    pub fn fail(&mut self, kind: impl Into<Cow<'static, str>>) {
        self.fault = true;
        self.set("error.type", kind.into());
    }

    /// It went wrong if the outcome says so.
    pub fn note(&mut self, outcome: &impl Ended) {
        if let Some(kind) = outcome.fault() {
            self.fail(kind);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let (began, since) = self.began;
        let mut links = SpanLinks::default();
        links.links = self.links.drain(..).map(|place| Link::with_context(told(place, true, None))).collect();
        let (parent, is_remote) = self
            .parent
            .map_or((SpanId::INVALID, false), |(parent, is_remote)| (SpanId::from(parent.span_id()), is_remote));
        export::send(SpanData {
            span_context: told(self.place, false, self.state.as_ref()),
            parent_span_id: parent,
            parent_span_is_remote: is_remote,
            span_kind: self.kind.into(),
            name: std::mem::take(&mut self.name),
            start_time: began,
            end_time: self.ended.unwrap_or_else(|| began + since.elapsed()),
            attributes: std::mem::take(&mut self.attributes),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links,
            status: if self.fault { Status::error("") } else { Status::Unset },
            instrumentation_scope: export::scope(),
        });
    }
}

/// The place as those who collect traces are told.
fn told(place: TraceContext, is_remote: bool, state: Option<&TraceState>) -> SpanContext {
    let state = state.and_then(|state| otel::TraceState::from_str(state.as_str()).ok()).unwrap_or_default();
    let flags = if place.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::default() };
    SpanContext::new(TraceId::from(place.trace_id().get()), SpanId::from(place.span_id()), flags, is_remote, state)
}

impl From<Kind> for SpanKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Internal => Self::Internal,
            Kind::Server => Self::Server,
            Kind::Client => Self::Client,
            Kind::Producer => Self::Producer,
            Kind::Consumer => Self::Consumer,
        }
    }
}

/// The work, whose outcome is of this type. The attribute [`crate::traced`] says so, since the compiler can't know it yet.
#[doc(hidden)]
pub const fn of_output<O, F: Future<Output = O>>(work: F) -> F {
    work
}
