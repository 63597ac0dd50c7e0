//! What nginx writes of each request: a line of JSON, for people and, where there is one, for the exporter beside it, which makes figures and
//! spans of it.

use super::nginx::{Directive, block, directive};
use crate::{Component, Shop};

/// Where the exporter listens: a datagram that nobody takes holds nothing up.
pub(super) const EXPORTER: &str = "127.0.0.1:9514";

/// The fields, and whether they are text.
const FIELDS: [(&str, &str, bool); 20] = [
    ("time", "$time_iso8601", true),
    ("ended", "$msec", false),
    ("request_id", "$id_of_request", true),
    ("trace_id", "$trace_id", true),
    ("span_id", "$span_id", true),
    ("parent_id", "$parent_id", true),
    ("sampled", "$sampled", true),
    ("service", "$service", true),
    ("method", "$request_method", true),
    ("scheme", "$scheme_of_client", true),
    // Without the query, in which may be what is nobody's business.
    ("path", "$path", true),
    ("status", "$status_as_number", false),
    ("bytes", "$bytes_sent", false),
    ("seconds", "$request_time", false),
    ("upstream", "$upstream_addr", true),
    ("upstream_status", "$upstream_status", true),
    ("upstream_connect_seconds", "$upstream_connect_time", true),
    ("upstream_header_seconds", "$upstream_header_time", true),
    ("upstream_seconds", "$upstream_response_time", true),
    ("user", "$admin", true),
];

/// Where the lines go, and their form.
pub(super) fn settings(shop: &Shop) -> Vec<Directive> {
    let quote = |text| if text { "\"" } else { "" };
    let fields = FIELDS.map(|(name, value, text)| format!("\"{name}\":{0}{value}{0}", quote(text)));
    let mut settings = vec![
        directive("log_format", ["json", "escape=json", &format!("{{{}}}", fields.join(","))]),
        // A request that is refused before anybody knows who it is for has no service.
        directive("uninitialized_variable_warn", ["off"]),
        // nginx writes what is not even a number in JSON where there was no answer (000), or an old-fashioned one (009).
        block(
            "map",
            ["$status", "$status_as_number"],
            [directive("default", ["$status"]), directive("~^0+(?<digits>[0-9]+)$", ["$digits"])],
        ),
        block("map", ["$request_uri", "$path"], [directive("~^(?<asked>[^?]*)", ["$asked"])]),
        directive("access_log", ["/dev/stdout", "json"]),
    ];
    if shop.is_made(Component::GatewayExporter) {
        let server = format!("syslog:server={EXPORTER},nohostname,tag=gateway");
        settings.push(directive("access_log", [&server, "json"]));
    }
    settings
}
