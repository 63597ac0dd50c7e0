//! When the caller of the request that is being served will have given up: what is done for it afterwards is done for nobody.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use tokio::time::Instant;

use crate::context::Context;

/// The header in which a sibling says how long it will wait, in milliseconds. The gateway lets none through.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-timeout-ms");

/// The end of the time that the request has.
pub fn current() -> Option<Instant> {
    Context::read(Context::deadline)
}

/// How much of it is left; none if the end has passed.
pub fn remaining() -> Option<Duration> {
    current().map(|end| end.saturating_duration_since(Instant::now()))
}

/// The end of a request that has begun now: our own limit, or what its caller says if that is less.
pub(crate) fn of_request(headers: &HeaderMap, began: Instant, limit: Duration) -> Instant {
    let caller = headers.get(HEADER).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    began + caller.map_or(limit, |millis| limit.min(Duration::from_millis(millis)))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_caller_can_shorten_the_time_of_its_request_but_not_lengthen_it() {
        let (now, limit) = (Instant::now(), Duration::from_secs(10));
        let end = |said: Option<&'static str>| {
            let headers = said.map(|said| (HEADER, HeaderValue::from_static(said))).into_iter().collect();
            of_request(&headers, now, limit) - now
        };
        assert_eq!(end(Some("250")), Duration::from_millis(250));
        assert_eq!(end(Some("0")), Duration::ZERO);
        for said in [None, Some("99999999"), Some("-1"), Some("soon"), Some("99999999999999999999999")] {
            assert_eq!(end(said), limit, "{said:?}");
        }
    }
}
