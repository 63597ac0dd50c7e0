//! What clients say and are told beside events.

use axum::extract::ws::{CloseFrame, Utf8Bytes, close_code};
use serde::Deserialize;
use serde_json::json;

use crate::metrics::Closed;

/// All that a client can say: who it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Introduction {
    /// An access token.
    pub(super) authenticate: String,
    /// The last number up to which it has heard of its own; left out: the one that it came with.
    pub(super) since: Option<i64>,
}

/// Why a client does not hear of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The token is not valid (any more).
    InvalidToken,
    /// The client has not said who it is, though it said that it would.
    NoToken,
    /// The customer has too many sockets already.
    TooManySockets,
    /// The database is away, or the list of ended sessions is not there yet; the token may be good.
    Unavailable,
}

/// Why a client does not hear of its own any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnEnded {
    /// The token's time is over.
    Expired,
    /// The session was ended.
    Revoked,
}

/// Where the client stands. One that has missed what is not known any more has to read everything again.
pub(super) fn greeting(all: bool, seq: i64) -> Utf8Bytes {
    let kind = if all { "hello" } else { "gap" };
    json!({"kind": kind, "seq": seq}).to_string().into()
}

/// The client has been told of its own up to this number, but for what is not known any more.
pub(super) fn authenticated(all: bool, seq: i64) -> Utf8Bytes {
    json!({"kind": "authenticated", "seq": seq, "gap": !all}).to_string().into()
}

pub(super) fn refused(refusal: Refusal) -> Utf8Bytes {
    let reason = match refusal {
        Refusal::InvalidToken => "invalid_token",
        Refusal::NoToken => "no_token",
        Refusal::TooManySockets => "too_many_sockets",
        Refusal::Unavailable => "unavailable",
    };
    json!({"kind": "authentication_failed", "reason": reason}).to_string().into()
}

pub(super) fn own_ended(ended: OwnEnded, seq: i64) -> Utf8Bytes {
    let reason = match ended {
        OwnEnded::Expired => "expired",
        OwnEnded::Revoked => "revoked",
    };
    json!({"kind": "authentication_ended", "reason": reason, "seq": seq}).to_string().into()
}

pub(super) fn not_understood() -> Utf8Bytes {
    let detail = r#"say nothing, or {"authenticate": "<access token>"}"#;
    json!({"kind": "not_understood", "detail": detail}).to_string().into()
}

/// The last message of a replica that stops: not all clients should come back in the same moment.
pub(super) fn goodbye(seq: i64, retry_in_ms: u64) -> Utf8Bytes {
    json!({"kind": "goodbye", "seq": seq, "retry_in_ms": retry_in_ms}).to_string().into()
}

pub(super) fn farewell(reason: Closed) -> Option<CloseFrame> {
    let (code, reason) = match reason {
        Closed::ByClient => return None,
        Closed::TooSlow => (close_code::AGAIN, "too slow: come back with since="),
        Closed::Silent => (close_code::POLICY, "no answer to pings"),
        Closed::TooMuch => (close_code::POLICY, "too many messages"),
        Closed::TooLong => (close_code::SIZE, "the message is too long"),
        Closed::Nonsense => (close_code::UNSUPPORTED, "messages are JSON text"),
        Closed::Refused => (close_code::POLICY, "no valid access token, three times"),
        Closed::Stopping => (close_code::AWAY, "this replica stops: come back with since="),
    };
    Some(CloseFrame { code, reason: reason.into() })
}
