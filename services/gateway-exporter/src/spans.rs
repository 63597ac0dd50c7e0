//! The gateway's spans, with the ids that nginx has given them.

use shop_runtime::span::{Kind, Open, Span};

use crate::line::{Method, Request, Service};

/// Tells of a request that is over, to those who collect traces.
pub(crate) fn served(request: &Request) {
    let began = request.ended.checked_sub(request.took).unwrap_or(request.ended);
    let method = if request.method == Method::Other { "HTTP" } else { request.method.into() };
    let span = Span::past(request.place, request.caller, Kind::Server, method, (began, request.ended));
    drop(span.described(|open| describe(open, method, request)));
}

fn describe(open: &mut Open, method: &'static str, request: &Request) {
    let service: &'static str = request.service.into();
    if request.service != Service::None {
        // Paths would be as many names as there are products.
        open.rename(format!("{method} {service}"));
        open.set("shop.service", service);
    }
    open.set("http.request.method", <&'static str>::from(request.method));
    open.set("url.path", request.path.clone());
    open.set("url.scheme", request.scheme);
    open.set("http.response.size", number(request.bytes));
    open.set("request.id", request.id.clone());
    if request.status >= 100 {
        open.set("http.response.status_code", i64::from(request.status));
    }
    // Only what is the server's fault is an error of its span.
    if request.status >= 500 {
        open.fail(request.status.to_string());
    }
    if let Some(took) = request.upstream.took {
        open.set("shop.upstream.seconds", took.as_secs_f64());
        open.set("shop.upstream.failures", number(request.upstream.failures));
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
