//! Where a request stands in a trace, as W3C Trace Context says it: the header `traceparent`, and beside it `tracestate`.
//!
//! The first service that a request reaches begins the trace if the client did not; every further one is a child of its caller, also
//! when an outbox lies between the two.

mod state;

use std::fmt;
use std::future::Future;
use std::str::FromStr;

use http::{HeaderMap, HeaderName};

pub use self::state::{HEADER as STATE_HEADER, MalformedTraceState, TraceState};
use crate::context::{self, Context};
use crate::telemetry::export;

/// The header that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("traceparent");

/// The longest that a header of a later version of the standard may be.
const LONGEST: usize = 256;

/// A position in a trace: the trace, and the span that what comes next is a child of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    flags: u8,
}

/// A position in a trace, and what others have noted beside it.
pub type Place = (TraceContext, Option<TraceState>);

/// The id of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// It is not a position in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not of the form 00-<32 hexadecimal digits>-<16>-<2>, or all zeros")]
pub struct MalformedTrace;

impl TraceContext {
    /// The begin of a new trace, which whoever collects traces may keep, unless that is said of a share of them only and it is not among those.
    pub fn generate() -> Self {
        let trace = non_zero(rand::random);
        Self { trace, span: non_zero(rand::random), flags: u8::from(export::keeps(trace)) }
    }

    /// The same place, with those who collect traces asked to keep it or not.
    #[must_use]
    pub const fn sampled(self, sampled: bool) -> Self {
        Self { flags: if sampled { self.flags | 1 } else { self.flags & !1 }, ..self }
    }

    /// A new span in the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span: non_zero(rand::random), ..self }
    }

    /// The trace.
    pub const fn trace_id(self) -> TraceId {
        TraceId(self.trace)
    }

    /// The span.
    pub(crate) const fn span_id(self) -> u64 {
        self.span
    }

    /// Whether those who collect traces are asked to keep this one.
    pub const fn is_sampled(self) -> bool {
        self.flags & 1 == 1
    }

    /// The place of a request's caller, if it says one that can be understood.
    fn of_caller(headers: &HeaderMap) -> Option<Self> {
        let mut given = headers.get_all(HEADER).iter();
        match (given.next().and_then(|value| value.to_str().ok()), given.next()) {
            (Some(only), None) => only.parse().ok(),
            _ => None,
        }
    }
}

impl TraceId {
    pub(crate) const fn get(self) -> u128 {
        self.0
    }
}

/// All zeros mean "none" in the standard.
fn non_zero<T: Default + PartialEq>(random: impl Fn() -> T) -> T {
    loop {
        let number = random();
        if number != T::default() {
            return number;
        }
    }
}

/// That of the request which is being served.
pub fn current() -> Option<TraceContext> {
    Context::read(Context::trace)
}

/// What is noted beside the place of the request which is being served.
pub fn state() -> Option<TraceState> {
    Context::read(|context| context.trace_state().cloned())
}

/// A request's own place, with what is noted beside it, and that of its caller: it is below its caller's, or the begin of a trace if the caller says
/// nothing that can be understood.
pub(crate) fn of_request(headers: &HeaderMap) -> (Place, Option<TraceContext>) {
    match TraceContext::of_caller(headers) {
        Some(caller) => ((caller.child(), TraceState::of_request(headers)), Some(caller)),
        None => ((TraceContext::generate(), None), None),
    }
}

/// The place of the request which is being served, and what is noted beside it, in one text, to be kept where there are no headers.
pub fn written() -> Option<String> {
    context::place().map(|place| write(&place))
}

/// A place in one text, to be [`read`].
pub fn write((trace, state): &Place) -> String {
    state.as_ref().map_or_else(|| trace.to_string(), |state| format!("{trace} {state}"))
}

/// Reads what was [`written`].
pub fn read(text: &str) -> Option<Place> {
    let (trace, state) = text.split_once(' ').unwrap_or((text, ""));
    Some((trace.parse().ok()?, state.parse().ok()))
}

/// Runs `work` at this place of a trace, with nothing noted beside it; the rest of its context stays.
pub async fn scope<F: Future>(trace: TraceContext, work: F) -> F::Output {
    Context::current().with_trace(trace).scope(work).await
}

impl shop_exemplars::Place for TraceContext {
    fn collected(&self) -> Option<u128> {
        (self.is_sampled() && export::is_on()).then_some(self.trace)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for TraceContext {
    type Err = MalformedTrace;

    /// Strict, as the standard asks: lower-case digits, nothing before and, in the only version that there is, nothing after. What a
    /// later version adds after a further dash is not for us.
    fn from_str(text: &str) -> Result<Self, MalformedTrace> {
        let bytes = text.as_bytes();
        if bytes.len() < 55 || bytes.len() > LONGEST || [2, 35, 52].iter().any(|&dash| bytes[dash] != b'-') {
            return Err(MalformedTrace);
        }
        let version = hex(&bytes[..2])?;
        if version == 0xff || (version == 0 && bytes.len() > 55) || bytes.get(55).is_some_and(|&next| next != b'-') {
            return Err(MalformedTrace);
        }
        let (trace, span) = (hex(&bytes[3..35])?, hex(&bytes[36..52])?);
        if trace == 0 || span == 0 {
            return Err(MalformedTrace);
        }
        let flags = hex(&bytes[53..55])?;
        let narrow = |_| MalformedTrace;
        Ok(Self { trace, span: span.try_into().map_err(narrow)?, flags: flags.try_into().map_err(narrow)? })
    }
}

fn hex(digits: &[u8]) -> Result<u128, MalformedTrace> {
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return Err(MalformedTrace),
        };
        Ok(number << 4 | u128::from(value))
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_the_standard_allows_is_read_and_written_as_it_was() {
        let context: TraceContext = GOOD.parse().expect("the standard's example");
        assert_eq!(context.to_string(), GOOD);
        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(context.is_sampled());
        let not_sampled: TraceContext = GOOD.replace("-01", "-00").parse().expect("valid");
        assert!(!not_sampled.is_sampled());
        let later = GOOD.replacen("00-", "cc-", 1);
        assert_eq!(later.parse(), Ok(context), "of a later version we understand what we know");
        assert_eq!(format!("{later}-what-comes-next").parse(), Ok(context));
    }

    #[test]
    fn a_trace_that_nobody_collects_is_no_example_of_anything() {
        let context: TraceContext = GOOD.parse().expect("the standard's example");
        assert!(context.is_sampled() && !export::is_on(), "all that is missing is somebody who collects");
        assert_eq!(shop_exemplars::Place::collected(&context), None);
    }

    #[test]
    fn what_the_standard_does_not_allow_is_refused() {
        let zero_trace = GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
        let zero_span = GOOD.replace("00f067aa0ba902b7", &"0".repeat(16));
        let wrong = [
            String::new(),
            "00".into(),
            zero_trace,
            zero_span,
            GOOD.to_uppercase(),
            GOOD.replacen("00-", "ff-", 1),
            GOOD.replace('-', "_"),
            format!(" {GOOD}"),
            format!("{GOOD} "),
            format!("{GOOD}-more"),
            format!("{}.more", GOOD.replacen("00-", "cc-", 1)),
            format!("{}-{}", GOOD.replacen("00-", "cc-", 1), "x".repeat(1000)),
            GOOD.replace("4bf", "+bf"),
            GOOD.replace("4bf", "é4"),
            GOOD[..54].to_owned(),
        ];
        for text in wrong {
            assert_eq!(text.parse::<TraceContext>(), Err(MalformedTrace), "{text}");
        }
    }

    #[test]
    fn a_request_is_a_child_of_its_caller_or_begins_a_trace() {
        let caller: TraceContext = GOOD.parse().expect("valid");
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_static(GOOD));
        headers.insert(STATE_HEADER, HeaderValue::from_static("rojo=1"));
        let ((ours, state), below) = of_request(&headers);
        assert_eq!(ours.trace_id(), caller.trace_id());
        assert_eq!(below, Some(caller));
        assert_ne!(ours, caller);
        assert_eq!(state, "rojo=1".parse().ok());
        headers.append(HEADER, HeaderValue::from_static(GOOD));
        let ((ours, state), below) = of_request(&headers);
        assert_eq!(below, None);
        assert_ne!(ours.trace_id(), caller.trace_id(), "two of them say nothing");
        assert_eq!(state, None, "what is noted belongs to a trace that was not understood");
        assert_ne!(of_request(&HeaderMap::new()), of_request(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn what_is_written_down_can_be_read_again() {
        assert_eq!(written(), None);
        let trace = TraceContext::generate();
        for state in [None, "rojo=a b,congo=2".parse().ok()] {
            let context = Context::following(Some(trace)).with_trace_state(state.clone());
            let place = context.trace();
            let text = context.scope(async { written() }).await.expect("it is in a trace");
            assert_eq!(read(&text), place.map(|place| (place, state)));
        }
        assert_eq!(read(&format!("{GOOD} nonsense")), GOOD.parse().ok().map(|trace| (trace, None)));
        assert_eq!(read("nonsense rojo=1"), None);
    }
}
