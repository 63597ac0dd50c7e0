//! How nginx asks what is behind it.

use super::{
    cors,
    nginx::{Directive, directive},
    trace,
};

/// How often a Service is tried. While a dead pod is still among those that it leads to, every second new connection may be refused;
/// that takes no time and does nobody harm, so it is tried until it is most unlikely.
pub(super) const TRIES: usize = 10;

/// A service, with a patience.
pub(super) fn service(name: &str, patience: &str) -> Vec<Directive> {
    let mut inside = asked(&format!("http://{name}"), "$host", patience);
    inside.extend(cors::answer());
    inside
}

/// When another attempt is made.
pub(super) fn again<const N: usize>(when: [&str; N]) -> Directive {
    directive("proxy_next_upstream", when)
}

/// Whatever is at this address, by this name of a host. It may be asked to speak something else than HTTP.
pub(super) fn asked(address: &str, host: &str, patience: &str) -> Vec<Directive> {
    let mut inside = plainly_asked(address, host, patience);
    inside.extend([
        directive("proxy_set_header", ["Connection", "$connection_header"]),
        directive("proxy_set_header", ["Upgrade", "$http_upgrade"]),
    ]);
    inside
}

/// Whatever is at this address, in nothing but HTTP.
pub(super) fn plainly_asked(address: &str, host: &str, patience: &str) -> Vec<Directive> {
    let mut inside = vec![
        directive("proxy_pass", [address]),
        directive("proxy_http_version", ["1.1"]),
        directive("proxy_set_header", ["Host", host]),
        directive("proxy_set_header", ["X-Request-Id", "$id_of_request"]),
    ];
    inside.extend(trace::headers());
    inside.extend([
        // The gateway is the edge: what a client claims about itself is not passed on, nor what only services say to each other.
        directive("proxy_set_header", ["X-Forwarded-For", "$remote_addr"]),
        directive("proxy_set_header", ["X-Forwarded-Proto", "$scheme_of_client"]),
        directive("proxy_set_header", ["X-Forwarded-Host", "$http_host"]),
        directive("proxy_set_header", ["Forwarded", ""]),
        directive("proxy_set_header", ["X-Real-Ip", ""]),
        directive("proxy_set_header", ["X-Request-Timeout-Ms", ""]),
        directive("proxy_set_header", ["X-Shop-User", ""]),
        directive("proxy_connect_timeout", ["1s"]),
        directive("proxy_read_timeout", [patience]),
        directive("proxy_send_timeout", ["30s"]),
        directive("proxy_next_upstream_tries", [&TRIES.to_string()]),
        directive("proxy_next_upstream_timeout", ["5s"]),
    ]);
    inside
}
