//! The page with the form. It works without scripts, and allows none.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};
use shop_runtime::Problem;

use super::{LOGIN_PATH, LOGOUT_PATH};

/// Colours come from the browser, so they follow light and dark and whatever contrast somebody needs.
const STYLE: &str = "\
:root{color-scheme:light dark;font:100%/1.5 system-ui,sans-serif}
body{margin:0;display:grid;place-items:center;min-height:100vh}
main{width:min(22rem,100% - 2rem);padding:2rem 0}
h1{font-size:1.5rem;margin:0 0 1rem}
label{display:block;margin:1rem 0 .25rem;font-weight:600}
input,button{font:inherit;box-sizing:border-box;width:100%;padding:.6rem .75rem;border:1px solid;border-radius:.4rem}
input{background:Field;color:FieldText}
button{margin-top:1.5rem;background:CanvasText;color:Canvas;cursor:pointer}
:focus-visible{outline:3px solid Highlight;outline-offset:2px}
[role=alert]{margin:1rem 0;padding:.6rem .75rem;border:1px solid;border-left-width:.5rem;border-radius:.4rem;color:#b00020}
@media(prefers-color-scheme:dark){[role=alert]{color:#ffb4ab}}
";

/// Nothing is loaded, nothing but this very style is applied, nobody frames the page, and its forms are sent to where it came from.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
});

/// What is on the page.
#[derive(Clone, Debug, Default)]
pub(super) struct Page<'a> {
    /// Where it goes on to; `/` if it is empty.
    pub(super) next: &'a str,
    /// What was typed in as the name.
    pub(super) username: &'a str,
    /// What went wrong.
    pub(super) said: Option<&'a str>,
    /// The administrator who is logged in already.
    pub(super) logged_in: Option<&'a str>,
}

impl Page<'_> {
    /// The page with what went wrong, and all else that the API would say of it: status, `Retry-After`, the cause for the log.
    pub(super) fn refusal(&self, problem: Problem) -> Response {
        let said = match problem.status() {
            StatusCode::UNAUTHORIZED => "The username or the password is wrong.",
            StatusCode::FORBIDDEN => {
                "The password is right, but this account is not an administrator's. Only administrators get in here."
            }
            StatusCode::TOO_MANY_REQUESTS => "There were too many attempts to log in. Wait a moment and try again.",
            StatusCode::SERVICE_UNAVAILABLE => "Passwords can't be checked at the moment. Wait a moment and try again.",
            _ => "Something went wrong on our side. The log of the user service says what.",
        };
        let (mut head, _) = problem.into_response().into_parts();
        head.headers.remove(CONTENT_LENGTH);
        head.headers.extend(headers());
        Response::from_parts(head, Self { said: Some(said), ..self.clone() }.html().into())
    }

    /// The page.
    pub(super) fn answer(&self, status: StatusCode) -> Response {
        (status, headers(), self.html()).into_response()
    }

    fn html(&self) -> String {
        let (next, username) = (escaped(self.next), escaped(self.username));
        // Whoever listens to the page hears first that something went wrong.
        let title = if self.said.is_some() { "Error: log in" } else { "Log in" };
        let (said, described) = match self.said {
            Some(said) => {
                (format!("<p role=\"alert\" id=\"said\">{}</p>\n", escaped(said)), " aria-describedby=\"said\"")
            }
            None => (String::new(), ""),
        };
        let logged_in = self.logged_in.map_or_else(String::new, |name| {
            format!(
                "<p>You are logged in as <strong>{}</strong>.</p>\n<form method=\"post\" action=\"{LOGOUT_PATH}\">\
                 <button>Log out</button></form>\n<p>Or log in as somebody else:</p>\n",
                escaped(name)
            )
        });
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>For administrators</h1>\n\
             {said}{logged_in}<form method=\"post\" action=\"{LOGIN_PATH}\">\n\
             <label for=\"username\">Username</label>\n\
             <input id=\"username\" name=\"username\" value=\"{username}\" autocomplete=\"username\" autocapitalize=\"none\" \
             spellcheck=\"false\" required{described}>\n\
             <label for=\"password\">Password</label>\n\
             <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required{described}>\n\
             <input name=\"next\" type=\"hidden\" value=\"{next}\">\n\
             <button>Log in</button>\n</form>\n</main>\n</body>\n</html>\n"
        )
    }
}

fn headers() -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, POLICY.clone()),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        // With no referrer at all, browsers would not say either from where the form is sent.
        (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    ])
}

/// Text that is nothing but text, also within quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        // Writing to a String cannot fail.
        let _ = match sign {
            '&' | '<' | '>' | '"' | '\'' => write!(escaped, "&#{};", u32::from(sign)),
            _ => escaped.write_char(sign),
        };
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_typed_in_stays_text() {
        let evil = "\"><script>alert('1')</script>&amp;";
        let page = Page { next: evil, username: evil, said: Some(evil), logged_in: Some(evil) };
        let html = page.html();
        assert!(!html.contains("<script") && !html.contains("&amp;") && !html.contains("\"\">"), "{html}");
        assert_eq!(html.matches("&#34;&#62;&#60;script&#62;alert(&#39;1&#39;)&#60;/script&#62;&#38;amp;").count(), 4);
    }

    #[test]
    fn the_style_that_is_applied_is_the_one_on_the_page() {
        let html = Page::default().html();
        let (_, style) = html.split_once("<style>").expect("there is one");
        let (style, _) = style.split_once("</style>").expect("it ends");
        let hash = STANDARD.encode(Sha256::digest(style));
        assert!(POLICY.to_str().expect("text").contains(&format!("style-src 'sha256-{hash}'")));
    }
}
