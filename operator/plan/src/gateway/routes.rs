//! What the gateway routes where.

use super::nginx::{Directive, block, directive, render};
use super::{HTTPS_PORT, admins, cors, log, page, problems, profiles, proxy, tools, trace};
use crate::{Component, Found, SERVICES, Shop, pod::OPS_PORT};

/// Prefixes of services. Everything else, `/internal/` above all, has no route. Services see the whole path.
const ROUTES: [(&str, Component); 8] = [
    ("/api/cart/", Component::Cart),
    ("/api/", Component::Catalog),
    ("/cart-api/", Component::Cart),
    ("/order-api/", Component::Order),
    ("/user-api/", Component::User),
    ("/ws", Component::Catalog),
    ("/swagger/", Component::Catalog),
    ("/docs/", Component::Catalog),
];

/// The live status of an order: a stream that is passed on as it comes.
const STREAM: &str = "^/order-api/orders/[^/]+/events$";

/// The changes that services make once for each `Idempotency-Key`, and answer alike ever after: with a key, they may be repeated at another
/// pod. Everywhere else a key says nothing, and what is posted twice is done twice.
const KEYED: [&str; 3] = ["/cart-api/cart/items", "/cart-api/cart/checkout", "/api/cart/add"];

/// The file that says that this gateway is about to stop; made before it leaves the endpoints.
pub(super) const CLOSING: &str = "/tmp/closing";

/// Where the certificate is, when the gateway itself serves under TLS.
pub(super) const CERTIFICATE: &str = "/etc/shopkeeper-tls";

/// The file with what nginx knows of the cluster's names, made when it starts.
pub(super) const NAMES: &str = "/tmp/names.conf";

/// The whole of nginx.conf.
pub(super) fn configuration(shop: &Shop, found: &Found) -> String {
    let mut http = http_settings();
    http.extend(log::settings(shop));
    http.extend(proxies(shop));
    http.extend(maps(shop));
    http.extend(trace::maps(shop));
    http.extend(admins::maps());
    http.extend(tools::maps(shop, found));
    http.extend(SERVICES.map(|service| upstream(shop, service)));
    http.push(public_server(shop, found));
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
    vec![
        block("types", [], [directive("text/html", ["html"]), directive("application/json", ["json"])]),
        directive("default_type", ["application/octet-stream"]),
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
        // What is refused is refused with a document of ours, also when that was the second thing to go wrong.
        directive("recursive_error_pages", ["on"]),
        directive("absolute_redirect", ["off"]),
        directive("gzip", ["on"]),
        directive("gzip_min_length", ["1024"]),
        directive("gzip_types", ["application/json", "text/css", "text/javascript"]),
        directive("gzip_proxied", ["any"]),
        directive("gzip_vary", ["on"]),
        // Where names are asked for, and what the cluster is called, which differs from cluster to cluster.
        directive("include", [NAMES]),
        directive("resolver_timeout", ["2s"]),
    ]
}

/// Who is a proxy before the gateway: what it says of a client is believed, and nobody else.
fn proxies(shop: &Shop) -> Vec<Directive> {
    let trusted = &shop.gateway.trusted_proxies;
    let known = trusted.iter().map(|range| directive(range, ["1"]));
    let mut directives = vec![
        block("geo", ["$realip_remote_addr", "$by_proxy"], std::iter::once(directive("default", ["0"])).chain(known)),
        block(
            "map",
            ["$by_proxy:$http_x_forwarded_proto", "$scheme_of_client"],
            [directive("1:https", ["https"]), directive("1:http", ["http"]), directive("default", ["$scheme"])],
        ),
    ];
    if !trusted.is_empty() {
        directives.extend(trusted.iter().map(|range| directive("set_real_ip_from", [range])));
        directives.push(directive("real_ip_header", ["X-Forwarded-For"]));
        directives.push(directive("real_ip_recursive", ["on"]));
    }
    directives
}

fn maps(shop: &Shop) -> Vec<Directive> {
    let mut maps = vec![
        // A client's own id is kept when it is one that the services take, so that its log and ours can be matched.
        block(
            "map",
            ["$http_x_request_id", "$id_of_request"],
            [directive("~^[A-Za-z0-9-]{8,64}$", ["$http_x_request_id"]), directive("default", ["$request_id"])],
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
        // Paths that try to climb are nobody's. The pages that say so are found all the same.
        block(
            "map",
            ["$uri|$request_uri", "$climbs"],
            [
                directive("volatile", []),
                directive("default", ["0"]),
                directive("~^/problems/", ["0"]),
                directive("~^[^|]*[|][^?]*(/[.][.]|%2[eEfF]|%5[cC])", ["1"]),
            ],
        ),
        block(
            "map",
            ["$request_method:$uri:$http_idempotency_key", "$repeatable"],
            [directive("default", ["0"]), directive(&format!("~^POST:({}):.", KEYED.join("|")), ["1"])],
        ),
    ];
    maps.extend(cors::maps(shop));
    maps
}

/// A service, by its Service's name, listed as often as it is tried.
fn upstream(shop: &Shop, service: Component) -> Directive {
    let server = format!("{}.{}.svc:{}", shop.child(service), shop.namespace, service.port());
    let mut inside = vec![directive("server", [&server, "max_fails=0"]); proxy::TRIES];
    inside.extend([
        directive("keepalive", ["64"]),
        // Shorter than the services' own patience, and not for ever, so that new pods get their share.
        directive("keepalive_timeout", ["30s"]),
        directive("keepalive_time", ["2m"]),
    ]);
    block("upstream", [service.as_str()], inside)
}

fn public_server(shop: &Shop, found: &Found) -> Directive {
    let mut server = vec![directive("listen", ["8080", "default_server"])];
    if shop.own_certificate().is_some() {
        server.extend([
            directive("listen", [&HTTPS_PORT.to_string(), "ssl", "default_server"]),
            directive("ssl_certificate", [&format!("{CERTIFICATE}/tls.crt")]),
            directive("ssl_certificate_key", [&format!("{CERTIFICATE}/tls.key")]),
            directive("ssl_protocols", ["TLSv1.2", "TLSv1.3"]),
            directive("ssl_session_cache", ["shared:tls:1m"]),
        ]);
    }
    server.extend([
        directive("server_name", [&shop.gateway.host]),
        block("if", ["($climbs)"], [directive("return", ["404"])]),
        block("if", ["($is_preflight)"], [directive("return", ["418"])]),
        directive("error_page", ["418", "=", "@preflight"]),
        block("location", ["@preflight"], cors::preflight()),
        page::location("/", "$page"),
        block("location", ["=", "/docs"], [directive("return", ["301", "/docs/"])]),
        block("location", ["/"], [directive("return", ["404"])]),
        block("location", ["=", "/api/cart"], routed(Component::Cart)),
        block("location", ["~", STREAM], stream()),
    ]);
    server.extend(ROUTES.map(|(prefix, service)| block("location", [prefix], routed(service))));
    server.extend(tools::locations(shop, found));
    server.extend(profiles::locations(shop));
    server.extend(admins::locations());
    server.extend(Treatment::ALL.map(|treatment| block("location", [treatment.name()], treatment.inside())));
    server.extend(Treatment::ALL.map(|treatment| directive("error_page", [treatment.status(), "=", treatment.name()])));
    server.extend(problems::pages());
    block("server", [], server)
}

/// What is not treated in the usual way, which a location can't decide by itself; it is sent on to one that can, by a status that
/// nothing else has.
#[derive(Clone, Copy)]
struct Treatment {
    /// Tried again although a part of it may have been done.
    repeated: bool,
    /// The last one on its connection.
    closing: bool,
}

impl Treatment {
    const ALL: [Self; 3] = [
        Self { repeated: true, closing: false },
        Self { repeated: false, closing: true },
        Self { repeated: true, closing: true },
    ];

    const fn name(self) -> &'static str {
        match (self.repeated, self.closing) {
            (true, true) => "@repeated-closing",
            (true, false) => "@repeated",
            (false, _) => "@closing",
        }
    }

    const fn status(self) -> &'static str {
        match (self.repeated, self.closing) {
            (true, true) => "477",
            (true, false) => "476",
            (false, _) => "478",
        }
    }

    fn inside(self) -> Vec<Directive> {
        let mut inside = proxy::service("$service", "75s");
        inside.push(if self.repeated {
            proxy::again(["error", "timeout", "non_idempotent"])
        } else {
            proxy::again(["error", "timeout"])
        });
        if self.closing {
            inside.push(directive("keepalive_timeout", ["0"]));
        }
        inside
    }
}

/// A location of a service.
fn routed(service: Component) -> Vec<Directive> {
    let mut inside = vec![
        directive("set", ["$service", service.as_str()]),
        directive("set", ["$treatment", "$repeatable"]),
        block("if", ["(-f", &format!("{CLOSING})")], [directive("set", ["$treatment", "${repeatable}closing"])]),
    ];
    let treatments = [("1closing", "477"), ("0closing", "478"), ("1", "476")];
    inside.extend(treatments.map(|(treatment, status)| {
        block("if", ["($treatment", "=", &format!("{treatment})")], [directive("return", [status])])
    }));
    inside.extend(proxy::service(service.as_str(), if service == Component::Catalog { "75s" } else { "30s" }));
    // Requests that are not idempotent are tried again only when nothing of them was sent.
    inside.push(proxy::again(["error", "timeout"]));
    inside
}

fn stream() -> Vec<Directive> {
    let mut inside = vec![directive("set", ["$service", Component::Order.as_str()])];
    inside.extend(proxy::service(Component::Order.as_str(), "75s"));
    inside.extend([proxy::again(["error", "timeout"]), directive("proxy_buffering", ["off"])]);
    inside
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
