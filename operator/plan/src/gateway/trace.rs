//! Where a request stands in a trace, as W3C Trace Context says it: the gateway's own span is made here, below that of a client that says
//! where it stands, or as the first of a new trace. Who keeps spans is told of it by the log.

use super::nginx::{Directive, block, directive};
use crate::{Component, Shop};

/// A header that says a place in a trace: of the only version that there is, or, as far as it is known, of a later one.
const PLACES: [&str; 2] = [
    "~^00-(?!0{32})(?<caller_trace>[0-9a-f]{32})-(?!0{16})(?<caller_span>[0-9a-f]{16})-(?<caller_flags>[0-9a-f]{2})$",
    "~^(?!00|ff)[0-9a-f]{2}-(?!0{32})(?<caller_trace>[0-9a-f]{32})-(?!0{16})(?<caller_span>[0-9a-f]{16})-(?<caller_flags>[0-9a-f]{2})(-[^,]{0,200})?$",
];

/// The variables `$trace_id`, `$span_id`, `$parent_id`, `$sampled` and `$tracestate_of_caller`.
pub(super) fn maps(shop: &Shop) -> Vec<Directive> {
    vec![
        block(
            "map",
            ["$http_traceparent", "$caller"],
            std::iter::once(directive("default", [""]))
                .chain(PLACES.map(|place| directive(place, ["$caller_trace-$caller_span-$caller_flags"]))),
        ),
        block(
            "map",
            ["$caller", "$trace_id"],
            [directive("default", ["$request_id"]), directive("~^(?<known_trace>[^-]+)-", ["$known_trace"])],
        ),
        block(
            "map",
            ["$caller", "$parent_id"],
            [directive("default", [""]), directive("~-(?<known_span>[^-]+)-", ["$known_span"])],
        ),
        block("map", ["$request_id", "$span_id"], [directive("~^(?<first_half>.{16})", ["$first_half"])]),
        split(share_kept(shop)),
        block(
            "map",
            ["$caller", "$sampled"],
            [
                directive("", ["$sampled_by_lot"]),
                directive("~[13579bdf]$", ["01"]),
                // Later versions may have flags that nobody here knows.
                directive("default", ["00"]),
            ],
        ),
        // What is noted beside a place that is not kept means nothing.
        block(
            "map",
            ["$caller", "$tracestate_of_caller"],
            [directive("", [""]), directive("default", ["$http_tracestate"])],
        ),
    ]
}

/// The share of the traces that begin here which are kept: none, where nobody takes them in.
fn share_kept(shop: &Shop) -> f64 {
    let taken_in = shop.is_made(Component::Jaeger);
    // What is no number was refused.
    shop.monitoring().tracing.sampling.parse().ok().filter(|_| taken_in).unwrap_or_default()
}

/// What upstreams are told.
pub(super) fn headers() -> [Directive; 2] {
    [
        directive("proxy_set_header", ["Traceparent", "00-$trace_id-$span_id-$sampled"]),
        directive("proxy_set_header", ["Tracestate", "$tracestate_of_caller"]),
    ]
}

/// Which of the traces that begin here are kept. nginx knows hundredths of a percent; a smaller share than one is one.
fn split(share: f64) -> Directive {
    let wanted = (share * 10_000.0).round();
    let parts = (1..10_000_u16).rfind(|parts| f64::from(*parts) <= wanted.max(1.0)).unwrap_or(1);
    let inside = if share <= 0.0 {
        vec![directive("*", ["00"])]
    } else if wanted >= 10_000.0 {
        vec![directive("*", ["01"])]
    } else {
        vec![directive(&format!("{}.{:02}%", parts / 100, parts % 100), ["01"]), directive("*", ["00"])]
    };
    block("split_clients", ["$request_id", "$sampled_by_lot"], inside)
}

#[cfg(test)]
mod tests {
    use super::super::nginx::render;
    use super::*;

    #[test]
    fn shares_are_hundredths_of_a_percent() {
        for (share, expected) in [
            (0.0, "* 00;"),
            (0.000_001, "0.01% 01; * 00;"),
            (0.1, "10.00% 01; * 00;"),
            (0.123_456, "12.35% 01; * 00;"),
            (0.999_9, "99.99% 01; * 00;"),
            (1.0, "* 01;"),
        ] {
            let text = render(&[split(share)]);
            let words: Vec<_> = text.split_whitespace().collect();
            let inside = words.join(" ");
            assert_eq!(inside, format!("split_clients $request_id $sampled_by_lot {{ {expected} }}"), "{share}");
        }
    }
}
