//! The gateway's own refusals, in the same form as those of the services.
//!
//! They are pages with an address and not named locations, since a request that could not even be read has no address of its own, and
//! nginx leads only those that have one to a named location.

use super::cors;
use super::nginx::{Directive, block, directive};
use crate::{Component, Found, Shop};

/// nginx's status, the one that the client sees, the kind of problem, and its title.
const PROBLEMS: [(&str, &str, &str, &str); 16] = [
    ("400", "400", "bad-request", "The request could not be read"),
    ("401", "401", "unauthenticated", "An administrator has to log in first"),
    ("403", "403", "forbidden", "This is not for everybody"),
    ("404", "404", "not-found", "There is nothing at this address"),
    ("405", "405", "method-not-allowed", "The method is not allowed here"),
    ("408", "408", "request-timeout", "The request did not come in time"),
    ("411", "411", "length-required", "The length of the body must be said"),
    ("413", "413", "payload-too-large", "The request is larger than 1 MiB"),
    ("414", "414", "uri-too-long", "The address is too long"),
    ("494", "431", "headers-too-large", "The request has too many headers or too long ones"),
    ("500", "500", "internal", "Something went wrong on our side"),
    ("501", "501", "not-implemented", "The request is of a kind that nobody here understands"),
    ("502", "502", "bad-gateway", "The service did not answer"),
    ("503", "503", "unavailable", "The service is not available"),
    ("504", "504", "gateway-timeout", "The service did not answer in time"),
    ("505", "505", "http-version", "Only HTTP 1.0 and 1.1 are spoken here"),
];

/// Where they are, and what leads there.
pub(super) fn pages() -> Vec<Directive> {
    let mut directives = error_pages();
    directives.extend(PROBLEMS.map(|(_, status, slug, title)| page(&place(status), status, slug, title, None)));
    directives
}

/// What leads there. A location that has such a directive of its own has no others.
pub(super) fn error_pages() -> Vec<Directive> {
    let led = |(own, status, ..): &(&str, &str, &str, &str)| {
        directive("error_page", [own, &format!("={status}"), &place(status)])
    };
    PROBLEMS.iter().map(led).collect()
}

/// Where the page for a status is.
pub(super) fn place(status: &str) -> String {
    format!("/problems/{status}")
}

/// Where the page is that says why a part is not there.
pub(super) fn place_of_absent(part: Component) -> String {
    format!("/problems/no-{part}")
}

/// The page that says why a part is not there, and what would change that.
pub(super) fn absent(shop: &Shop, found: &Found, part: Component) -> Directive {
    let field = part.spec_path();
    let (slug, title, detail) = if !shop.monitoring().enabled && part != Component::Locust {
        (
            "switched-off",
            "This part of the shop is switched off",
            "spec.monitoring.enabled of the Store switches it on".into(),
        )
    } else if !shop.asks_for(part) {
        let detail = format!("{field}.enabled of the Store switches it on");
        ("switched-off", "This part of the shop is switched off", detail)
    } else if part == Component::Prometheus && found.prometheus_operator {
        let detail = "the cluster's own Prometheus collects the shop's figures";
        ("elsewhere", "This part of the shop is somewhere else", detail.into())
    } else {
        let detail = "the Store's condition MonitoringReady says why, and what to write";
        ("not-available", "This part of the shop cannot be had in this cluster", detail.into())
    };
    page(&place_of_absent(part), "404", slug, title, Some(&detail))
}

fn page(place: &str, status: &str, slug: &str, title: &str, detail: Option<&str>) -> Directive {
    let detail = detail.map(|detail| format!("\"detail\":\"{detail}\",")).unwrap_or_default();
    let document = format!(
        "{{\"type\":\"https://shopkeeper.dev/problems/{slug}\",\"title\":\"{title}\",\"status\":{status},{detail}\"instance\":\"$id_of_request\"}}"
    );
    let mut inside = vec![
        directive("internal", []),
        directive("default_type", ["application/problem+json"]),
        directive("add_header", ["X-Request-Id", "$id_of_request", "always"]),
        directive("add_header", ["Cache-Control", "no-store", "always"]),
        directive("add_header", ["X-Content-Type-Options", "nosniff", "always"]),
    ];
    inside.extend(cors::answer());
    if matches!(status, "502" | "503" | "504") {
        inside.push(directive("add_header", ["Retry-After", "2", "always"]));
    }
    inside.push(directive("return", [status, &document]));
    block("location", ["=", place], inside)
}
