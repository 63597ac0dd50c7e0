//! The gateway's own refusals, in the same form as those of the services.
//!
//! They are pages with an address and not named locations, since a request that could not even be read has no address of its own, and
//! nginx leads only those that have one to a named location.

use super::cors;
use super::nginx::{Directive, block, directive};

/// The page of a part of the shop that is not there yet.
pub(super) const NOT_THERE_YET: &str = "/problems/not-there-yet";

/// nginx's status, the one that the client sees, the kind of problem, and its title.
const PROBLEMS: [(&str, &str, &str, &str); 15] = [
    ("400", "400", "bad-request", "The request could not be read"),
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
    let place = |status: &str| format!("/problems/{status}");
    let mut directives: Vec<_> = PROBLEMS
        .iter()
        .map(|(own, status, ..)| directive("error_page", [own, &format!("={status}"), &place(status)]))
        .collect();
    directives.extend(PROBLEMS.map(|(_, status, slug, title)| page(&place(status), status, slug, title)));
    directives.push(page(NOT_THERE_YET, "404", "not-there-yet", "This part of the shop is not there yet"));
    directives
}

fn page(place: &str, status: &str, slug: &str, title: &str) -> Directive {
    let document = format!(
        "{{\"type\":\"https://shopkeeper.dev/problems/{slug}\",\"title\":\"{title}\",\"status\":{status},\"instance\":\"$id_of_request\"}}"
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
