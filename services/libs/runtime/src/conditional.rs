//! Conditional requests (RFC 9110, section 13): an answer that the client has already is not sent again, and a change is made only to
//! what the client has seen.

use std::fmt;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::Problem;

/// The name of one state of something. Two states of the same thing that differ have different ones.
///
/// ```
/// use shop_runtime::conditional::ETag;
///
/// assert_eq!(ETag::strong(7).to_string(), "\"7\"");
/// assert_eq!(ETag::weak("7-en").to_string(), "W/\"7-en\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag {
    name: String,
    weak: bool,
}

impl ETag {
    /// The answer is the same to the last byte wherever the name is the same. Signs that a tag can't have become `_`.
    pub fn strong(name: impl fmt::Display) -> Self {
        let name = name.to_string().chars().map(|c| if is_of_a_tag(c) { c } else { '_' }).collect();
        Self { name, weak: false }
    }

    /// The answer says the same wherever the name is the same. Enough to read, never enough to change something.
    pub fn weak(name: impl fmt::Display) -> Self {
        Self { weak: true, ..Self::strong(name) }
    }

    /// That of content which changes only with the program: the same in every replica. Reads all of it.
    pub fn of_content(content: &[u8]) -> Self {
        // FNV-1a: enough to tell two versions apart.
        let hash = content.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self::strong(format_args!("{hash:016x}"))
    }

    /// What is between the quotes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a weak one.
    pub const fn is_weak(&self) -> bool {
        self.weak
    }

    fn equals_weakly(&self, other: &Self) -> bool {
        self.name == other.name
    }

    /// Whether this tag of a client names that present state. The client's may have become a weak one on its way: whoever compresses an
    /// answer between us, as the gateway does, must weaken its tag, since the bytes are others; the state that it names is the same.
    fn names(&self, current: &Self) -> bool {
        !current.weak && self.name == current.name
    }

    /// As the value of a header.
    pub fn to_header(&self) -> HeaderValue {
        // The signs of a tag are those of a header.
        HeaderValue::from_str(&self.to_string()).unwrap_or(HeaderValue::from_static("\"\""))
    }
}

const fn is_of_a_tag(c: char) -> bool {
    matches!(c, '!' | '#'..='~')
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\"{}\"", if self.weak { "W/" } else { "" }, self.name)
    }
}

/// It is not an entity tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an entity tag, which is in quotes")]
pub struct MalformedTag;

impl FromStr for ETag {
    type Err = MalformedTag;

    fn from_str(text: &str) -> Result<Self, MalformedTag> {
        match take_tag(text)? {
            (tag, "") => Ok(tag),
            _ => Err(MalformedTag),
        }
    }
}

/// The tag at the begin of the text, and what comes after it.
fn take_tag(text: &str) -> Result<(ETag, &str), MalformedTag> {
    let (weak, text) = text.strip_prefix("W/").map_or((false, text), |rest| (true, rest));
    let inside = text.strip_prefix('"').ok_or(MalformedTag)?;
    let (name, rest) = inside.split_once('"').ok_or(MalformedTag)?;
    if name.chars().all(is_of_a_tag) { Ok((ETag { name: name.to_owned(), weak }, rest)) } else { Err(MalformedTag) }
}

/// The states that a request speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Named {
    /// Any that there is.
    Any,
    These(Vec<ETag>),
}

impl Named {
    /// What the header says, on however many lines.
    fn of(headers: &HeaderMap, header: &HeaderName) -> Result<Option<Self>, MalformedTag> {
        let mut tags = Vec::new();
        let mut any = false;
        for value in headers.get_all(header) {
            let mut text = value.to_str().map_err(|_| MalformedTag)?.trim();
            if text == "*" {
                any = true;
                continue;
            }
            while !text.is_empty() {
                let (tag, rest) = take_tag(text)?;
                tags.push(tag);
                let rest = rest.trim_start();
                text = match rest.strip_prefix(',') {
                    Some(next) => next.trim_start(),
                    None if rest.is_empty() => rest,
                    None => return Err(MalformedTag),
                };
            }
        }
        match (any, tags.is_empty()) {
            (true, true) => Ok(Some(Self::Any)),
            (true, false) => Err(MalformedTag),
            (false, false) => Ok(Some(Self::These(tags))),
            (false, true) if headers.contains_key(header) => Err(MalformedTag),
            (false, true) => Ok(None),
        }
    }
}

/// Answers a GET: with `body`, made only if need be, or with 304 if the client has this state already. Either has the tag; what else
/// belongs to both, `Cache-Control` above all, goes around the answer:
///
/// ```
/// use http::HeaderMap;
/// use http::header::CACHE_CONTROL;
/// use shop_runtime::conditional::{ETag, conditional};
/// use shop_runtime::extract::Json;
///
/// async fn handler(headers: HeaderMap) -> impl axum::response::IntoResponse {
///     ([(CACHE_CONTROL, "no-cache")], conditional(&headers, &ETag::strong(7), || Json("the seventh")))
/// }
/// ```
///
/// A header that can't be read means that the client has nothing.
pub fn conditional<R: IntoResponse>(headers: &HeaderMap, etag: &ETag, body: impl FnOnce() -> R) -> Response {
    let has_it = match Named::of(headers, &IF_NONE_MATCH) {
        Ok(Some(Named::Any)) => true,
        Ok(Some(Named::These(tags))) => tags.iter().any(|tag| tag.equals_weakly(etag)),
        Ok(None) | Err(MalformedTag) => false,
    };
    let mut response = if has_it { StatusCode::NOT_MODIFIED.into_response() } else { body().into_response() };
    if has_it {
        response.headers_mut().remove(CONTENT_TYPE);
    }
    if has_it || response.status().is_success() {
        response.headers_mut().insert(ETAG, etag.to_header());
    }
    response
}

/// What a request that changes something says of the state that it has seen (`If-Match`). Nothing is said without the header.
///
/// As an extractor it refuses a header that can't be read with 400. [`check`](Self::check) belongs where the state can't change any more
/// before the change is made: in the transaction, after the row was locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IfMatch(Option<Named>);

impl IfMatch {
    /// What the headers say.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        Named::of(headers, &IF_MATCH).map(Self).map_err(|error| {
            Problem::bad_request("If-Match must be * or a list of entity tags in quotes").caused_by(error)
        })
    }

    /// Whether the request says anything.
    pub const fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the change may be made to this state; `None` is a thing that is not there.
    pub fn allows(&self, current: Option<&ETag>) -> bool {
        match (&self.0, current) {
            (None, _) | (Some(Named::Any), Some(_)) => true,
            (Some(Named::These(tags)), Some(current)) => tags.iter().any(|tag| tag.names(current)),
            (Some(_), None) => false,
        }
    }

    /// Whether one of the tags that are listed has such a name.
    pub fn lists(&self, such: impl Fn(&str) -> bool) -> bool {
        matches!(&self.0, Some(Named::These(tags)) if tags.iter().any(|tag| such(&tag.name)))
    }

    /// 412 `precondition-failed`, with the tag of the present state, if the change may not be made.
    pub fn check(&self, current: Option<&ETag>) -> Result<(), Problem> {
        if self.allows(current) { Ok(()) } else { Err(precondition_failed(current)) }
    }
}

/// The refusal of a change that was meant for another state than this one.
pub fn precondition_failed(current: Option<&ETag>) -> Problem {
    let problem = Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "precondition-failed",
        "It has changed since you read it; read it again and decide anew",
    );
    match current {
        Some(current) => problem.header(ETAG, current.to_header()).with("current_etag", current.to_string()),
        None => problem,
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

#[cfg(test)]
mod tests;
