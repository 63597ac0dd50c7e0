//! Files that are in the program, as answers: kept by browsers for five minutes, then asked for again only if they changed.

use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::conditional::{ETag, conditional};

/// What is told of a file.
#[derive(Clone, Debug)]
pub struct Asset {
    /// What it is.
    pub media_type: &'static str,
    /// What may run on it and be asked for by it (Content Security Policy).
    pub policy: HeaderValue,
    /// Whose frames it may be in.
    pub framing: Framing,
    /// How its bytes are packed, if they are.
    pub encoding: Option<&'static str>,
    /// The name of its content.
    pub etag: ETag,
}

/// Whose frames a page may be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Nobody's.
    Never,
    /// The shop's own.
    SameOrigin,
}

impl Framing {
    const fn header(self) -> &'static str {
        match self {
            Self::Never => "DENY",
            Self::SameOrigin => "SAMEORIGIN",
        }
    }
}

impl Asset {
    /// The answer, without the bytes if the client has them already.
    pub fn answer(self, headers: &HeaderMap, body: impl FnOnce() -> Bytes) -> Response {
        let told: [(HeaderName, HeaderValue); 5] = [
            (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
            (CONTENT_SECURITY_POLICY, self.policy),
            (X_FRAME_OPTIONS, HeaderValue::from_static(self.framing.header())),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (VARY, HeaderValue::from_static("accept-encoding")),
        ];
        let encoding = self.encoding.map(|encoding| [(CONTENT_ENCODING, encoding)]);
        let body = || ([(CONTENT_TYPE, self.media_type)], encoding, body());
        (told, conditional(headers, &self.etag, body)).into_response()
    }
}
