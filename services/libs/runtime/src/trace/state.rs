//! What those who trace have noted beside a place in a trace: the header `tracestate` of W3C Trace Context, passed on as it came.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};

/// The header that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("tracestate");

/// The most members of a list; a longer list is malformed.
const MOST_MEMBERS: usize = 32;

/// The most signs that are passed on.
const LONGEST: usize = 512;

/// A member with more signs than these is the first to be left out when a list is too long.
const LONG_MEMBER: usize = 128;

/// A list of members `key=value`, the newest first; never empty.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TraceState(Arc<str>);

/// It is not such a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of 1 to {MOST_MEMBERS} members key=value")]
pub struct MalformedTraceState;

impl TraceState {
    /// The request's own, of all its lines together; none if it is malformed. It says nothing without a `traceparent`.
    pub fn of_request(headers: &HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all(HEADER).iter();
        let first = lines.next()?.to_str().ok()?;
        let whole = lines.try_fold(first.to_owned(), |whole, line| Some(format!("{whole},{}", line.to_str().ok()?)))?;
        whole.parse().ok()
    }

    /// As it is written in the header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TraceState {
    type Err = MalformedTraceState;

    /// A list that is right but too long is cut as the standard says: long members first, then from the end, never in the middle of one.
    fn from_str(text: &str) -> Result<Self, MalformedTraceState> {
        let members =
            text.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty());
        let mut members: Vec<_> = members.collect();
        if members.is_empty() || members.len() > MOST_MEMBERS || !members.iter().all(|member| is_member(member)) {
            return Err(MalformedTraceState);
        }
        let length = |members: &[&str]| members.iter().map(|member| member.len() + 1).sum::<usize>() - 1;
        while members.len() > 1 && length(&members) > LONGEST {
            let longest = members.iter().rposition(|member| member.len() > LONG_MEMBER);
            members.remove(longest.unwrap_or(members.len() - 1));
        }
        let text = members.join(",");
        if text.len() <= LONGEST { Ok(Self(text.into())) } else { Err(MalformedTraceState) }
    }
}

/// `key=value`, of the signs that the standard (level 2) allows.
fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else { return false };
    let begins = key.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let goes_on = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-*/@".contains(&c);
    let is_key = begins && key.len() <= 256 && key.bytes().all(goes_on);
    let is_value =
        !value.is_empty() && value.len() <= 256 && value.bytes().all(|c| (b' '..=b'~').contains(&c) && c != b'=');
    is_key && is_value
}

impl fmt::Debug for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        text.parse::<TraceState>().ok().map(|state| state.to_string())
    }

    #[test]
    fn what_the_standard_allows_is_passed_on_in_its_order() {
        for list in [
            "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
            "fw529a3039@dt=FfAAAAAAAAA,0=a b!~",
            "a=1",
            &format!("{}=1", "k".repeat(256)),
            &format!("a={}", "v".repeat(256)),
        ] {
            assert_eq!(read(list).as_deref(), Some(list));
        }
        assert_eq!(read(" a=1 ,\tb=2,, ,c=3 ").as_deref(), Some("a=1,b=2,c=3"), "empty members say nothing");
        let most = vec!["k=v"; MOST_MEMBERS].join(",");
        assert_eq!(read(&most), Some(most));
    }

    #[test]
    fn what_the_standard_does_not_allow_is_dropped_as_a_whole() {
        for list in [
            "",
            " , ",
            "a",
            "a=",
            "=1",
            "A=1",
            "a=1=2",
            "a =1",
            "a=\u{e9}",
            "a=1\0",
            "@a=1",
            "a=1,b",
            &vec!["k=v"; MOST_MEMBERS + 1].join(","),
            &format!("{}=1", "k".repeat(257)),
            &format!("a={}", "v".repeat(257)),
        ] {
            assert_eq!(read(list), None, "{list}");
        }
    }

    #[test]
    fn a_list_that_is_too_long_loses_its_long_members_and_then_its_end() {
        let long = format!("long={}", "v".repeat(200));
        let short = |number: usize| format!("k{number:02}={}", "v".repeat(60));
        let shorts = |numbers: std::ops::Range<usize>| numbers.map(short).collect::<Vec<_>>();
        let list = [shorts(0..2), vec![long], shorts(2..7)].concat().join(",");
        assert_eq!(read(&list), Some(shorts(0..7).join(",")), "the long one goes, wherever it is");
        assert_eq!(read(&shorts(0..20).join(",")), Some(shorts(0..7).join(",")));
        assert_eq!(read(&format!("{}={}", "k".repeat(256), "v".repeat(256))), None, "one alone can't be cut");
    }

    #[test]
    fn lines_of_a_request_are_one_list() {
        let of = |lines: &[&'static str]| {
            let headers = lines.iter().map(|line| (HEADER, http::HeaderValue::from_static(line))).collect();
            TraceState::of_request(&headers).map(|state| state.to_string())
        };
        assert_eq!(of(&["a=1,b=2", "", "c=3"]).as_deref(), Some("a=1,b=2,c=3"));
        assert_eq!(of(&["a=1", "nonsense"]), None);
        assert_eq!(of(&[]), None);
    }
}
