//! What the gateway routes where.

use super::nginx::{Directive, block, directive, render};
use crate::{Component, SERVICES, Shop, pod::OPS_PORT};

/// Prefixes of services. Everything else, `/internal/` above all, has no route. Services see the whole path.
const ROUTES: [(&str, Component); 6] = [
    ("/api/cart/", Component::Cart),
    ("/api/", Component::Catalog),
    ("/cart-api/", Component::Cart),
    ("/order-api/", Component::Order),
    ("/user-api/", Component::User),
    ("/ws", Component::Catalog),
];

/// Paths of the older system that have nothing behind them yet.
const RESERVED: [&str; 5] = ["/swagger/", "/docs/", "/locust/", "/profiles/", "/search"];

/// The whole of nginx.conf.
pub(super) fn configuration(shop: &Shop) -> String {
    let mut http = http_settings();
    http.extend(maps(shop));
    http.extend(SERVICES.map(|service| upstream(shop, service)));
    http.push(public_server(shop));
    http.push(ops_server());
    render(&[
        directive("daemon", ["off"]),
        directive("worker_processes", ["2"]),
        directive("worker_shutdown_timeout", ["25s"]),
        directive("pid", ["/tmp/nginx.pid"]),
        directive("error_log", ["/dev/stderr", "warn"]),
        block("events", [], [directive("worker_connections", ["4096"])]),
        block("http", [], http),
    ])
}

fn http_settings() -> Vec<Directive> {
    let log = "{\"time\":\"$time_iso8601\",\"request_id\":\"$id_of_request\",\"method\":\"$request_method\",\"path\":\"$uri\",\
               \"status\":$status,\"bytes\":$bytes_sent,\"seconds\":$request_time,\"upstream\":\"$upstream_addr\",\
               \"upstream_seconds\":\"$upstream_response_time\"}";
    vec![
        block("types", [], [directive("text/html", ["html"]), directive("application/json", ["json"])]),
        directive("default_type", ["application/octet-stream"]),
        directive("log_format", ["json", "escape=json", log]),
        directive("access_log", ["/dev/stdout", "json"]),
        directive("client_body_temp_path", ["/tmp/client_body"]),
        directive("proxy_temp_path", ["/tmp/proxy"]),
        directive("fastcgi_temp_path", ["/tmp/fastcgi"]),
        directive("uwsgi_temp_path", ["/tmp/uwsgi"]),
        directive("scgi_temp_path", ["/tmp/scgi"]),
        directive("server_tokens", ["off"]),
        directive("keepalive_timeout", ["65s"]),
        directive("client_header_timeout", ["15s"]),
        directive("client_body_timeout", ["15s"]),
        directive("client_max_body_size", ["1m"]),
        directive("gzip", ["on"]),
        directive("gzip_min_length", ["1024"]),
        directive("gzip_types", ["application/json"]),
        directive("gzip_proxied", ["any"]),
    ]
}

fn maps(shop: &Shop) -> Vec<Directive> {
    let origins = shop.gateway.cors_origins.iter().map(|origin| directive(origin, ["$http_origin"]));
    vec![
        // A client's own id is kept when it is one, so that its log and ours can be matched.
        block(
            "map",
            ["$http_x_request_id", "$id_of_request"],
            [directive("~^[A-Za-z0-9._-]{1,64}$", ["$http_x_request_id"]), directive("default", ["$request_id"])],
        ),
        block("map", ["$http_upgrade", "$connection_header"], [directive("default", ["upgrade"]), directive("", [""])]),
        block(
            "map",
            ["$http_accept", "$page"],
            [
                directive("~text/html", ["/index.html"]),
                directive("~application/json", ["/index.json"]),
                directive("default", ["/index.html"]),
            ],
        ),
        block("map", ["$http_origin", "$allowed_origin"], std::iter::once(directive("default", [""])).chain(origins)),
        block(
            "map",
            ["$request_method:$allowed_origin", "$is_preflight"],
            [directive("default", ["0"]), directive("~^OPTIONS:.", ["1"])],
        ),
    ]
}

/// A service, by its Service's name, listed twice: a connection that is refused is tried once more, likely at another pod.
fn upstream(shop: &Shop, service: Component) -> Directive {
    let server = format!("{}.{}.svc:{}", shop.child(service), shop.namespace, service.port());
    block(
        "upstream",
        [service.as_str()],
        [
            directive("server", [&server, "max_fails=0"]),
            directive("server", [&server, "max_fails=0"]),
            directive("keepalive", ["64"]),
            // Shorter than the services' own patience, and not for ever, so that new pods get their share.
            directive("keepalive_timeout", ["30s"]),
            directive("keepalive_time", ["2m"]),
        ],
    )
}

fn public_server(shop: &Shop) -> Directive {
    let mut server = vec![
        directive("listen", ["8080", "default_server"]),
        directive("server_name", [&shop.gateway.host]),
        // Paths that try to climb are nobody's.
        block("if", ["($request_uri", "~", "^[^?]*(/[.][.]|%2[eEfF]|%5[cC]))"], [directive("return", ["404"])]),
        block("if", ["($is_preflight)"], [directive("return", ["418"])]),
        directive("error_page", ["418", "=", "@preflight"]),
        block("location", ["@preflight"], cors_preflight()),
        block(
            "location",
            ["=", "/"],
            [
                directive("root", ["/etc/shopkeeper"]),
                directive("try_files", ["$page", "=404"]),
                directive("add_header", ["Vary", "Accept"]),
            ],
        ),
        block("location", ["/"], [directive("return", ["404"])]),
        block("location", ["=", "/api/cart"], proxied(Component::Cart)),
    ];
    server.extend(ROUTES.map(|(prefix, service)| block("location", [prefix], proxied(service))));
    server.extend(RESERVED.map(|prefix| {
        block(
            "location",
            ["^~", prefix.trim_end_matches('/')],
            [directive("error_page", ["404", "@not-there-yet"]), directive("return", ["404"])],
        )
    }));
    server.extend(problems());
    block("server", [], server)
}

fn proxied(service: Component) -> Vec<Directive> {
    let upstream = format!("http://{service}");
    vec![
        directive("proxy_pass", [&upstream]),
        directive("proxy_http_version", ["1.1"]),
        directive("proxy_set_header", ["Host", "$host"]),
        directive("proxy_set_header", ["Connection", "$connection_header"]),
        directive("proxy_set_header", ["Upgrade", "$http_upgrade"]),
        directive("proxy_set_header", ["X-Request-Id", "$id_of_request"]),
        // The gateway is the edge: what a client claims about itself is not passed on.
        directive("proxy_set_header", ["X-Forwarded-For", "$remote_addr"]),
        directive("proxy_set_header", ["X-Forwarded-Proto", "$scheme"]),
        directive("proxy_set_header", ["X-Forwarded-Host", "$http_host"]),
        directive("proxy_connect_timeout", ["2s"]),
        directive("proxy_read_timeout", [if service == Component::Catalog { "75s" } else { "30s" }]),
        directive("proxy_send_timeout", ["30s"]),
        // Requests that are not idempotent are tried again only when nothing of them was sent.
        directive("proxy_next_upstream", ["error", "timeout"]),
        directive("proxy_next_upstream_tries", ["2"]),
        directive("proxy_next_upstream_timeout", ["5s"]),
        directive("add_header", ["Access-Control-Allow-Origin", "$allowed_origin", "always"]),
        directive("add_header", ["Vary", "Origin", "always"]),
    ]
}

fn cors_preflight() -> [Directive; 6] {
    [
        directive("add_header", ["Access-Control-Allow-Origin", "$allowed_origin", "always"]),
        directive("add_header", ["Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE", "always"]),
        directive(
            "add_header",
            ["Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, X-Request-Id", "always"],
        ),
        directive("add_header", ["Access-Control-Max-Age", "600", "always"]),
        directive("add_header", ["Vary", "Origin", "always"]),
        directive("return", ["204"]),
    ]
}

/// Errors of the gateway itself, in the same form as those of the services.
fn problems() -> Vec<Directive> {
    let errors = [
        ("400", "@bad-request", "bad-request", "The request could not be read"),
        ("404", "@not-found", "not-found", "There is nothing at this address"),
        ("413", "@too-large", "payload-too-large", "The request is larger than 1 MiB"),
        ("502", "@bad-gateway", "bad-gateway", "The service did not answer"),
        ("503", "@unavailable", "unavailable", "The service is not available"),
        ("504", "@timeout", "gateway-timeout", "The service did not answer in time"),
    ];
    let mut directives: Vec<Directive> =
        errors.iter().map(|(status, location, ..)| directive("error_page", [status, location])).collect();
    directives.extend(errors.map(|(status, location, slug, title)| problem(location, status, slug, title)));
    directives.push(problem("@not-there-yet", "404", "not-there-yet", "This part of the shop is not there yet"));
    directives
}

fn problem(location: &str, status: &str, slug: &str, title: &str) -> Directive {
    let document = format!(
        "{{\"type\":\"https://shopkeeper.dev/problems/{slug}\",\"title\":\"{title}\",\"status\":{status},\"instance\":\"$id_of_request\"}}"
    );
    let mut inside = vec![
        directive("default_type", ["application/problem+json"]),
        directive("add_header", ["X-Request-Id", "$id_of_request", "always"]),
        directive("add_header", ["Access-Control-Allow-Origin", "$allowed_origin", "always"]),
    ];
    if status.starts_with("50") {
        inside.push(directive("add_header", ["Retry-After", "2", "always"]));
    }
    inside.push(directive("return", [status, &document]));
    block("location", [location], inside)
}

/// Health and nginx's own figures, on the port that no Service exposes.
fn ops_server() -> Directive {
    let answer =
        |path| block("location", ["=", path], [directive("access_log", ["off"]), directive("return", ["200", "ok\n"])]);
    block(
        "server",
        [],
        [
            directive("listen", [&OPS_PORT.to_string()]),
            answer("/livez"),
            answer("/readyz"),
            block("location", ["=", "/stub_status"], [directive("access_log", ["off"]), directive("stub_status", [])]),
            block("location", ["/"], [directive("return", ["404"])]),
        ],
    )
}
