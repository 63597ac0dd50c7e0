//! Who sent a form: a page of this shop, or one of somebody else who wants the browser to be logged in as somebody, or out.
//!
//! Browsers say it themselves (`Sec-Fetch-Site`), or else from where the page was (`Origin`); both are beyond the reach of the page's scripts.
//! What says neither is no browser of these years, and has no cookies of anybody else's to be misled with.

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode};

use super::page::Page;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// A form of our own sent this.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnSite {
    /// Whether the browser speaks TLS with whatever is the outermost of ours.
    pub(super) secure: bool,
}

impl<S: Sync> FromRequestParts<S> for OwnSite {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        if !is_own(&parts.headers) {
            let said = "This was sent by a page of another site, so nothing was done. If it was you, do it here.";
            return Err(Page { said: Some(said), ..Page::default() }.answer(StatusCode::FORBIDDEN));
        }
        let secure = parts.headers.get(FORWARDED_PROTO).is_some_and(|proto| proto.as_bytes() == b"https");
        Ok(Self { secure })
    }
}

fn is_own(headers: &HeaderMap) -> bool {
    if headers.contains_key(FETCH_SITE) {
        // A neighbouring host name (`same-site`) is not us.
        return headers.get_all(FETCH_SITE).iter().all(|site| matches!(site.as_bytes(), b"same-origin" | b"none"));
    }
    if headers.contains_key(ORIGIN) {
        return headers
            .get_all(ORIGIN)
            .iter()
            .all(|origin| origin.to_str().is_ok_and(|origin| is_here(origin, headers)));
    }
    true
}

/// Whether an origin is the host that the browser asked. The scheme does not count: it is not known behind a proxy that nobody told us of.
fn is_here(origin: &str, headers: &HeaderMap) -> bool {
    let Some((scheme, theirs)) = origin.split_once("://") else { return false };
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let host = headers.get(FORWARDED_HOST).or_else(|| headers.get(HOST)).and_then(|host| host.to_str().ok());
    let ours = host.map(|host| host.strip_suffix(default_port).unwrap_or(host));
    matches!(scheme, "http" | "https") && ours.is_some_and(|ours| ours.eq_ignore_ascii_case(theirs))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn own(headers: &[(&'static str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header's value"))
        });
        is_own(&headers.collect())
    }

    #[test]
    fn what_the_browser_says_of_the_sender_decides() {
        for (site, expected) in
            [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false), ("", false)]
        {
            assert_eq!(own(&[("sec-fetch-site", site)]), expected, "{site}");
            let origin = ("origin", if expected { "https://elsewhere.example" } else { "https://shop.example" });
            assert_eq!(own(&[("sec-fetch-site", site), ("host", "shop.example"), origin]), expected, "{site}");
        }
    }

    #[test]
    fn a_browser_that_does_not_say_it_says_from_where_the_page_is() {
        for (origin, expected) in [
            ("https://shop.example", true),
            ("http://shop.example", true),
            ("https://SHOP.example", true),
            ("https://shop.example:8443", false),
            ("https://shop.example.evil.example", false),
            ("https://evil.example", false),
            ("ftp://shop.example", false),
            ("shop.example", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(own(&[("host", "shop.example"), ("origin", origin)]), expected, "{origin}");
        }
        let forwarded = [("host", "localhost"), ("x-forwarded-host", "localhost:8080")];
        assert!(own(&[&forwarded[..], &[("origin", "http://localhost:8080")]].concat()));
        assert!(!own(&[&forwarded[..], &[("origin", "http://localhost:3000")]].concat()), "another server there");
        assert!(own(&[("x-forwarded-host", "shop.example:443"), ("origin", "https://shop.example")]));
        assert!(!own(&[("origin", "https://shop.example")]), "nobody knows who we are");
        assert!(own(&[("host", "shop.example")]), "no browser");
    }
}
