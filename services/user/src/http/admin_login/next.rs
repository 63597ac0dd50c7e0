//! Where a login goes on to.

use http::HeaderValue;

/// The longest path with its query: a dashboard with its variables is well below.
const LONGEST: usize = 2048;

/// The field of the query.
const FIELD: &str = "next";

/// A path of this shop, with its query. Whatever a browser makes of it, it leads to no other host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LocalPath(String);

impl Default for LocalPath {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl LocalPath {
    /// None if it is not a path, or one that a browser could take for something else: `//host` and `/\host` are other hosts, and tabs and
    /// line ends are left out by browsers before they look. All of it is text that an address may have.
    pub(super) fn new(text: &str) -> Option<Self> {
        let path = text.split(['?', '#']).next().unwrap_or_default();
        let sound = text.len() <= LONGEST
            && path.starts_with('/')
            && !path.contains("//")
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        sound.then(|| Self(text.to_owned()))
    }

    /// What the query of the form's address says. nginx can't encode the address that was asked for, so what begins with a slash is taken as it
    /// is, to its end; otherwise it is a field like any other.
    pub(super) fn of_query(query: &str) -> Self {
        let whole =
            query.strip_prefix(FIELD).and_then(|rest| rest.strip_prefix('=')).filter(|rest| rest.starts_with('/'));
        if let Some(whole) = whole {
            return Self::new(whole).unwrap_or_default();
        }
        let field = form_urlencoded::parse(query.as_bytes()).find_map(|(name, value)| (name == FIELD).then_some(value));
        field.and_then(|value| Self::new(&value)).unwrap_or_default()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// For `Location`.
    pub(super) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or(HeaderValue::from_static("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_shop_is_kept_as_it_is() {
        let longest = format!("/{}", "a".repeat(LONGEST - 1));
        for path in [
            "/",
            "/grafana/",
            "/grafana/d/cache?var-store=demo&from=now-1h#panel",
            "/prometheus/graph?g0.expr=http://x",
            "/%2Fexample.com",
            &longest,
        ] {
            assert_eq!(LocalPath::new(path).expect("it is one").as_str(), path);
            assert_eq!(LocalPath::new(path).expect("it is one").header(), path);
        }
    }

    #[test]
    fn nothing_that_may_lead_to_another_host_is_a_path() {
        let long = format!("/{}", "a".repeat(LONGEST));
        for other in [
            "",
            "grafana/",
            "example.com",
            "https://example.com/",
            "javascript:alert(1)",
            "//example.com",
            "///example.com",
            "/grafana//example.com",
            "/\\example.com",
            "\\\\example.com",
            "/grafana?a=\\",
            "/\t/example.com",
            "\t//example.com",
            " //example.com",
            "/ /example.com",
            "/\n/example.com",
            "/\r\nset-cookie: a=b",
            "/\0",
            "/\u{7f}",
            "/\u{85}/example.com",
            "/ä",
            "?next=/",
            "#/",
            &long,
        ] {
            assert_eq!(LocalPath::new(other), None, "{other:?}");
        }
    }

    #[test]
    fn the_query_may_have_it_as_it_was_asked_for_or_encoded() {
        for (query, path) in [
            ("next=/grafana/d/x?orgId=1&from=now", "/grafana/d/x?orgId=1&from=now"),
            ("next=/jaeger/search?tags=%7B%22a%22%7D", "/jaeger/search?tags=%7B%22a%22%7D"),
            ("next=%2Fgrafana%2Fd%2Fx%3ForgId%3D1%26from%3Dnow", "/grafana/d/x?orgId=1&from=now"),
            ("a=b&next=/locust/", "/locust/"),
            ("a=b&next=%2Flocust%2F&c=d", "/locust/"),
            ("", "/"),
            ("next", "/"),
            ("next=", "/"),
            ("next=//example.com", "/"),
            ("next=%2F%2Fexample.com", "/"),
            ("next=%2F%5Cexample.com", "/"),
            ("next=/%09/example.com", "/%09/example.com"),
            ("next=%2F%09%2Fexample.com", "/"),
            ("next=https%3A%2F%2Fexample.com", "/"),
            ("next=https://example.com", "/"),
            ("nextly=/locust/", "/"),
        ] {
            assert_eq!(LocalPath::of_query(query).as_str(), path, "{query}");
        }
    }
}
