//! What a request carries with it wherever it goes: its id, its place in a trace, its deadline and the span of its log lines.

use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;

use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use crate::trace::{Place, TraceContext, TraceState};

tokio::task_local! {
    static CURRENT: Context;
}

/// What is known of the request that a task works for. Outside of one, nothing is.
///
/// A task of its own knows nothing of the request that started it, unless it is given the context:
///
/// ```
/// use shop_runtime::context::Context;
///
/// # async fn work() {}
/// # async fn handler() {
/// // Goes on when the caller has given up, so the caller's deadline is not its own.
/// tokio::spawn(Context::current().without_deadline().scope(work()));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Context {
    request_id: Option<Arc<str>>,
    /// Moves with the spans that the work goes through.
    trace: Cell<Option<TraceContext>>,
    trace_state: Option<TraceState>,
    deadline: Option<Instant>,
    span: Span,
}

impl Context {
    /// That of the request that is being served.
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_else(|_| Self {
            request_id: None,
            trace: Cell::new(None),
            trace_state: None,
            deadline: None,
            span: Span::current(),
        })
    }

    /// That of work which goes on with what a request began, maybe in another process and much later: it belongs to the same trace and
    /// has all the time that it needs. Work that nobody's request began is a trace of its own.
    pub fn following(trace: Option<TraceContext>) -> Self {
        Self::at(trace.map_or_else(TraceContext::generate, TraceContext::child))
    }

    /// That of work which nobody asked for, such as to look whether there is any: its log lines have a trace in common, which nobody need collect.
    pub fn unasked() -> Self {
        Self::at(TraceContext::generate().sampled(false))
    }

    /// That of work at this place.
    pub(crate) fn at(trace: TraceContext) -> Self {
        let span = tracing::info_span!("work", trace_id = %trace.trace_id());
        Self { request_id: None, trace: Cell::new(Some(trace)), trace_state: None, deadline: None, span }
    }

    /// That of a request.
    pub(crate) const fn of_request(request_id: Arc<str>, trace: TraceContext, deadline: Instant, span: Span) -> Self {
        let trace = Cell::new(Some(trace));
        Self { request_id: Some(request_id), trace, trace_state: None, deadline: Some(deadline), span }
    }

    /// With what others have noted beside the place in the trace.
    #[must_use]
    pub fn with_trace_state(self, trace_state: Option<TraceState>) -> Self {
        Self { trace_state, ..self }
    }

    /// For work that outlives the request.
    #[must_use]
    pub fn without_deadline(self) -> Self {
        Self { deadline: None, ..self }
    }

    /// With an end that is no later than this.
    #[must_use]
    pub fn until(self, end: Instant) -> Self {
        Self { deadline: Some(self.deadline.map_or(end, |deadline| deadline.min(end))), ..self }
    }

    #[must_use]
    pub(crate) fn with_request_id(self, request_id: Arc<str>) -> Self {
        Self { request_id: Some(request_id), ..self }
    }

    #[must_use]
    pub(crate) fn with_trace(self, trace: TraceContext) -> Self {
        let request_id = self.request_id.as_deref();
        let span = tracing::info_span!("work", request_id, trace_id = %trace.trace_id());
        Self { trace: Cell::new(Some(trace)), trace_state: None, span, ..self }
    }

    /// Runs `work` as a part of what this is the context of.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        let span = self.span.clone();
        CURRENT.scope(self, work).instrument(span)
    }

    pub(crate) fn read<T>(what: impl FnOnce(&Self) -> Option<T>) -> Option<T> {
        CURRENT.try_with(what).ok().flatten()
    }

    /// The id of the request.
    pub fn request_id(&self) -> Option<&Arc<str>> {
        self.request_id.as_ref()
    }

    /// The place in a trace.
    pub const fn trace(&self) -> Option<TraceContext> {
        self.trace.get()
    }

    /// What others have noted beside it.
    pub const fn trace_state(&self) -> Option<&TraceState> {
        self.trace_state.as_ref()
    }

    /// When the caller will have given up.
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

/// The current place in a trace, and what others have noted beside it.
pub(crate) fn place() -> Option<Place> {
    Context::read(|context| Some((context.trace()?, context.trace_state.clone())))
}

/// Moves to another place in the trace until what is returned is dropped. The task must not be left meanwhile.
pub(crate) fn stand_at(place: TraceContext) -> Standing {
    Standing(CURRENT.try_with(|context| context.trace.replace(Some(place))).ok().flatten())
}

/// Where the task stood before, if anywhere.
#[derive(Debug)]
pub(crate) struct Standing(Option<TraceContext>);

impl Drop for Standing {
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|context| context.trace.set(self.0));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{deadline, request_id, trace};

    #[tokio::test]
    async fn a_task_of_its_own_knows_the_request_only_through_its_context() {
        let trace = TraceContext::generate();
        let end = Instant::now() + Duration::from_secs(5);
        let known = async || (request_id::current().map(|id| id.to_string()), trace::current(), deadline::current());
        Context::of_request("r1".into(), trace, end, Span::none())
            .scope(async {
                assert_eq!(tokio::spawn(known()).await.expect("no panic"), (None, None, None));
                let carried = tokio::spawn(Context::current().scope(known())).await.expect("no panic");
                assert_eq!(carried, (Some("r1".into()), Some(trace), Some(end)));
                let outlives = tokio::spawn(Context::current().without_deadline().scope(known()));
                assert_eq!(outlives.await.expect("no panic"), (Some("r1".into()), Some(trace), None));
            })
            .await;
    }

    #[tokio::test]
    async fn an_end_is_only_ever_brought_forward() {
        let (soon, late) = (Instant::now(), Instant::now() + Duration::from_secs(60));
        assert_eq!(Context::current().until(soon).until(late).deadline(), Some(soon));
        assert_eq!(Context::current().until(late).until(soon).deadline(), Some(soon));
    }

    #[tokio::test]
    async fn what_follows_a_request_belongs_to_its_trace() {
        let request = TraceContext::generate();
        let later = Context::following(Some(request)).trace().expect("a trace");
        assert_eq!(later.trace_id(), request.trace_id());
        assert_ne!(later, request);
        assert_ne!(Context::following(None).trace().expect("a trace").trace_id(), request.trace_id());
    }
}
