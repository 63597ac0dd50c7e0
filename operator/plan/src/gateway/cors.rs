//! Which pages in browsers may call the shop, and what they may see of its answers.

use super::nginx::{Directive, block, directive};
use crate::Shop;

/// What a page may send.
const SENT: &str =
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Traceparent, X-Request-Id";

/// What a page may read, besides what every page may.
const SEEN: &str = "Cache-Status, ETag, Location, Retry-After, WWW-Authenticate, X-Request-Id";

/// Only for an origin that is allowed is anything said at all: nginx adds no header that is empty.
pub(super) fn maps(shop: &Shop) -> [Directive; 4] {
    let origins = shop.gateway.cors_origins.iter().map(|origin| directive(origin, ["$http_origin"]));
    let for_allowed =
        |name, value| block("map", ["$allowed_origin", name], [directive("", [""]), directive("default", [value])]);
    [
        block("map", ["$http_origin", "$allowed_origin"], std::iter::once(directive("default", [""])).chain(origins)),
        // The cookie of an anonymous cart.
        for_allowed("$allows_credentials", "true"),
        for_allowed("$seen_headers", SEEN),
        block(
            "map",
            ["$request_method:$allowed_origin", "$is_preflight"],
            [directive("default", ["0"]), directive("~^OPTIONS:.", ["1"])],
        ),
    ]
}

/// For every answer, also for those that say no.
pub(super) fn answer() -> [Directive; 4] {
    [
        directive("add_header", ["Access-Control-Allow-Origin", "$allowed_origin", "always"]),
        directive("add_header", ["Access-Control-Allow-Credentials", "$allows_credentials", "always"]),
        directive("add_header", ["Access-Control-Expose-Headers", "$seen_headers", "always"]),
        directive("add_header", ["Vary", "Origin", "always"]),
    ]
}

/// The answer to the question whether something may be sent.
pub(super) fn preflight() -> Vec<Directive> {
    let mut inside = answer().to_vec();
    inside.extend([
        directive("add_header", ["Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE", "always"]),
        directive("add_header", ["Access-Control-Allow-Headers", SENT, "always"]),
        directive("add_header", ["Access-Control-Max-Age", "600", "always"]),
        directive("return", ["204"]),
    ]);
    inside
}
