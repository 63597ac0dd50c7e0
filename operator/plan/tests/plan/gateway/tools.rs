//! Dashboards and tools behind the login of administrators.

use std::{net::TcpListener, thread};

use serde_json::{Value, json};

use super::{
    names::Names,
    nginx::{Answer, Gateway, Setup, serve_status},
};

const TOOLS: [&str; 7] = ["grafana", "prometheus", "alertmanager", "jaeger", "locust", "pgadmin", "redis-commander"];

const ADMIN: &str = "Cookie: shop_admin=good\r\n";
const BROWSER: &str = "Accept: text/html,*/*\r\n";

/// A server that answers in this way, for ever.
fn server(answer: impl Fn(&str) -> (&'static str, &'static str, String) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || serve_status(stream, |request| answer(request)));
        }
    });
    port
}

/// Knows an administrator and a customer by their cookies.
fn users() -> u16 {
    server(|request| {
        assert!(
            !request.starts_with("GET /internal") || request.starts_with("GET /internal/admin-session HTTP/1.1\r\n")
        );
        let lines = request.to_lowercase();
        if !request.starts_with("GET /internal/admin-session ") {
            return ("200 OK", "", json!({"service": "user", "request": request}).to_string());
        }
        // Nothing of the request is passed on but the cookie.
        let clean = !lines.contains("x-other") && !lines.contains("upgrade") && !lines.contains("content-length");
        match lines.lines().find(|line| line.starts_with("cookie: ")) {
            _ if !clean => ("500 Internal Server Error", "", String::new()),
            Some(cookies) if cookies.contains("shop_admin=good") => {
                ("204 No Content", "X-Shop-User: ada\r\n", String::new())
            }
            Some(cookies) if cookies.contains("shop_admin=customer") => ("403 Forbidden", "", String::new()),
            Some(cookies) if cookies.contains("shop_admin=ill") => ("503 Service Unavailable", "", String::new()),
            _ => ("401 Unauthorized", "", String::new()),
        }
    })
}

/// All tools at once, which thinks that everybody may frame and read them.
fn tools() -> u16 {
    server(|request| {
        let headers = "X-Frame-Options: ALLOWALL\r\nAccess-Control-Allow-Origin: *\r\n";
        ("200 OK", headers, json!({"service": "tool", "request": request}).to_string())
    })
}

fn everything() -> Value {
    let monitoring = json!({"tools": {"pgAdmin": {"enabled": true}, "redisCommander": {"enabled": true}}});
    let mut images = json!({});
    for tool in ["prometheus", "alertmanager", "grafana", "jaeger", "locust", "pgAdmin", "redisCommander"] {
        images[tool] = json!(format!("example.com/{}:1", tool.to_lowercase()));
    }
    json!({"monitoring": monitoring, "loadTest": {"enabled": true}, "images": images,
           "gateway": {"corsOrigins": ["https://app.example.com"]}})
}

fn name_of(tool: &str) -> String {
    format!("demo-{tool}.shop.svc.cluster.test")
}

/// A gateway before all tools that there are.
fn gateway() -> Gateway {
    let names = Names::default();
    for name in TOOLS.into_iter().chain(["catalog", "cart", "order", "user"]) {
        names.learn(&name_of(name));
    }
    Setup { spec: everything(), user: users(), tool: tools(), dns: names.serve(), ..Setup::default() }.start()
}

fn request(answer: &Answer) -> String {
    answer.json()["request"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn whoever_has_not_logged_in_is_led_to_the_login_or_refused() {
    let gateway = gateway();
    let places = TOOLS.map(|tool| format!("/{tool}/a/b?c=d&e=%7B%7D"));
    let profiles = ["/profiles/", "/profiles/catalog/flamegraph.svg?seconds=1"].map(str::to_owned);
    for path in places.into_iter().chain(profiles) {
        let page = gateway.ask("GET", &path, BROWSER);
        assert_eq!(page.status, 302, "{path}: {}", page.body);
        let login = format!("/user-api/admin/login?next={path}");
        assert_eq!(page.header("location"), Some(login.as_str()), "it comes last, and as it was asked for");
        for (method, headers, status, slug) in [
            ("GET", "", 401, "unauthenticated"),
            ("POST", BROWSER, 401, "unauthenticated"),
            ("GET", "Cookie: shop_admin=bad\r\n", 401, "unauthenticated"),
            ("GET", "Cookie: shop_admin=customer\r\n", 403, "forbidden"),
            ("GET", "Cookie: shop_admin=ill\r\n", 503, "unavailable"),
            ("GET", "X-Shop-User: ada\r\nX-Webauth-User: ada\r\n", 401, "unauthenticated"),
        ] {
            let answer = gateway.ask(method, &path, headers);
            assert_eq!(answer.status, status, "{method} {path} {headers}: {}", answer.body);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path} {headers}");
            assert_eq!(answer.json()["type"], format!("https://shopkeeper.dev/problems/{slug}"), "{path} {headers}");
        }
    }
}

#[test]
fn an_administrator_gets_to_every_tool_with_a_name_and_without_the_cookie() {
    let gateway = gateway();
    for tool in TOOLS {
        let path = format!("/{tool}/a%20b/?c=d");
        let headers = format!(
            "{BROWSER}X-Shop-User: eve\r\nX-Webauth-User: eve\r\nAuthorization: Bearer x\r\nX-Other: kept\r\n\
             Cookie: first=1; shop_admin=good; last=2\r\n"
        );
        let answer = gateway.ask("GET", &path, &headers);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let request = request(&answer);
        assert!(request.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "the prefix is kept: {request}");
        let lines = request.to_lowercase();
        assert!(lines.contains("x-webauth-user: ada\r\n") && !lines.contains("eve"), "{request}");
        assert!(lines.contains("cookie: first=1;last=2\r\n"), "{request}");
        assert!(!lines.contains("shop_admin") && !lines.contains("authorization"), "{request}");
        assert!(lines.contains("x-other: kept\r\n") && lines.contains("traceparent: 00-"), "{request}");
        assert_eq!(answer.header("x-frame-options"), Some("SAMEORIGIN"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
        let moved = gateway.get(&format!("/{tool}?x=1"));
        assert_eq!((moved.status, moved.header("location")), (301, Some(format!("/{tool}/?x=1").as_str())));
    }
    let search = gateway.ask("GET", "/search?service=cart", ADMIN);
    assert_eq!((search.status, search.header("location")), (302, Some("/jaeger/search?service=cart")));
}

#[test]
fn no_arrangement_of_cookies_brings_the_admin_cookie_to_a_tool() {
    let gateway = gateway();
    for (cookies, passed) in [
        ("shop_admin=good", None),
        ("shop_admin=good; a=1", Some("a=1")),
        ("a=1; shop_admin=good", Some("a=1;")),
        ("a=1;shop_admin=good;b=2", Some("a=1;b=2")),
        ("my_shop_admin=1; shop_admin=good", None),
        ("shop_admin=good; a=1; shop_admin=good", None),
        ("shop_admin =x; shop_admin=good; a=1", None),
    ] {
        let answer = gateway.ask("GET", "/grafana/", &format!("Cookie: {cookies}\r\n"));
        let request = request(&answer).to_lowercase();
        let got = request.lines().find_map(|line| line.strip_prefix("cookie: "));
        assert_eq!(got, passed, "{cookies}");
    }
}

#[test]
fn another_site_can_lead_here_and_do_nothing() {
    let gateway = gateway();
    let ask = |method: &str, path: &str, site: &str, mode: &str| {
        let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
        let headers = format!("{ADMIN}{length}Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: {mode}\r\n");
        gateway.ask(method, path, &headers).status
    };
    for (method, path, site, mode, status) in [
        ("GET", "/grafana/d/x", "cross-site", "navigate", 200),
        ("GET", "/grafana/d/x", "same-site", "navigate", 200),
        ("GET", "/grafana/api/x", "cross-site", "no-cors", 403),
        ("GET", "/grafana/api/live/ws", "same-site", "websocket", 403),
        ("POST", "/grafana/x", "cross-site", "navigate", 403),
        ("POST", "/grafana/x", "same-origin", "cors", 200),
        ("GET", "/locust/stop", "cross-site", "navigate", 403),
        ("GET", "/locust/stop", "same-origin", "cors", 200),
        ("POST", "/locust/stop", "same-origin", "cors", 200),
        ("GET", "/locust/", "none", "navigate", 200),
        ("GET", "/locust/", "cross-site", "navigate", 403),
    ] {
        assert_eq!(ask(method, path, site, mode), status, "{method} {path} {site} {mode}");
    }
}

/// The login leads on to where a link has said, and then it is a page of the shop that leads there.
#[test]
fn a_link_that_leads_on_after_the_login_stops_no_load() {
    let gateway = gateway();
    let lead = |path: &str, site: &str| {
        let headers = format!("{ADMIN}{BROWSER}Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: navigate\r\n");
        gateway.ask("GET", path, &headers).status
    };
    for path in [
        "/locust/stop",
        "/locust/stop?x=y",
        "/locust/stop/",
        "/locust/%73top",
        "/locust//stop",
        "/locust/./x/../stop",
        "/%6cocust/stop",
        "/locust/stats/reset",
        "/locust/stats%2Freset",
    ] {
        for site in ["same-origin", "same-site", "none"] {
            // Dots between slashes and slashes in disguise are nobody's address at this gateway, so nothing hears of them.
            let nobodys = path.contains("/.") || path.contains("%2F");
            assert_eq!(lead(path, site), if nobodys { 404 } else { 403 }, "{path} {site}");
        }
    }
    for path in ["/locust/", "/locust/stats/report?download=1", "/locust/stats/requests/csv", "/grafana/stop"] {
        assert_eq!(lead(path, "same-origin"), 200, "{path}");
    }
}

#[test]
fn a_websocket_of_a_tool_gets_through() {
    let gateway = gateway();
    let headers = format!("{ADMIN}Connection: upgrade\r\nUpgrade: websocket\r\n");
    let request = request(&gateway.ask("GET", "/grafana/api/live/ws", &headers)).to_lowercase();
    assert!(request.contains("upgrade: websocket\r\n") && request.contains("connection: upgrade\r\n"), "{request}");
}

#[test]
fn profiles_are_listed_and_come_from_the_services() {
    let gateway = gateway();
    let list = gateway.ask("GET", "/profiles/", ADMIN);
    assert_eq!((list.status, list.header("content-type")), (200, Some("text/html")), "{}", list.body);
    for service in ["catalog", "cart", "order", "user"] {
        for kind in ["flamegraph.svg", "cpu.pb"] {
            let path = format!("/profiles/{service}/{kind}?seconds=10");
            assert!(list.body.contains(&format!("href=\"{path}\"")), "{}", list.body);
            let answer = gateway.ask("GET", &path, ADMIN);
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            let request = request(&answer);
            assert!(request.starts_with(&format!("GET /profiles/{kind}?seconds=10 HTTP/1.1\r\n")), "{request}");
        }
    }
    for path in
        ["/profiles/nobody/cpu.pb", "/profiles/catalog/metrics", "/profiles/catalog/cpu.pb/x", "/profiles/catalog/"]
    {
        assert_eq!(gateway.ask("GET", path, ADMIN).status, 404, "{path}");
    }
}

#[test]
fn a_tool_that_comes_later_is_found_and_until_then_the_gateway_says_so() {
    let names = Names::default();
    let tool = tools();
    let gateway = Setup { spec: everything(), user: users(), tool, dns: names.serve(), ..Setup::default() }.start();
    assert_eq!(gateway.get("/api/x").status, 200, "the shop is open meanwhile");
    let away = gateway.ask("GET", "/grafana/", ADMIN);
    assert_eq!((away.status, away.json()["type"].as_str()), (502, Some("https://shopkeeper.dev/problems/bad-gateway")));
    names.learn(&name_of("grafana"));
    super::until("the tool", || (gateway.ask("GET", "/grafana/", ADMIN).status == 200).then_some(()));
}

#[test]
fn parts_that_are_switched_off_say_what_switches_them_on() {
    let parts = ["prometheus", "alertmanager", "grafana", "tracing"];
    let off: Value = parts.iter().map(|part| ((*part).to_owned(), json!({"enabled": false}))).collect();
    let gateway = Setup { spec: json!({"monitoring": off}), ..Setup::default() }.start();
    for (path, field) in [
        ("/grafana/", "spec.monitoring.grafana.enabled"),
        ("/grafana/d/x?y=z", "spec.monitoring.grafana.enabled"),
        ("/prometheus", "spec.monitoring.prometheus.enabled"),
        ("/alertmanager/", "spec.monitoring.alertmanager.enabled"),
        ("/jaeger/", "spec.monitoring.tracing.enabled"),
        ("/search", "spec.monitoring.tracing.enabled"),
        ("/locust/", "spec.loadTest.enabled"),
        ("/pgadmin/", "spec.monitoring.tools.pgAdmin.enabled"),
        ("/redis-commander/", "spec.monitoring.tools.redisCommander.enabled"),
    ] {
        let answer = gateway.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (404, Some("application/problem+json")), "{path}");
        let problem = answer.json();
        assert_eq!(problem["type"], "https://shopkeeper.dev/problems/switched-off", "{path}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.starts_with(field)), "{path}: {problem}");
    }
    let all = Setup { spec: json!({"monitoring": {"enabled": false}}), ..Setup::default() }.start();
    let problem = all.get("/grafana/").json();
    assert!(problem["detail"].as_str().is_some_and(|it| it.starts_with("spec.monitoring.enabled ")), "{problem}");
    // And a cluster may have no image.
    let images = json!({"images": {"grafana": ""}});
    let none = Setup { spec: images, ..Setup::default() }.start();
    assert_eq!(none.get("/grafana/").json()["type"], "https://shopkeeper.dev/problems/not-available");
}

#[test]
fn the_front_page_lists_what_there_is() {
    let gateway = gateway();
    let page = gateway.ask("GET", "/", BROWSER).body;
    let json = gateway.ask("GET", "/", "Accept: application/json\r\n").json();
    for tool in TOOLS {
        assert!(page.contains(&format!("href=\"/{tool}/\"")), "{page}");
        assert!(json["forAdministrators"].to_string().contains(&format!("/{tool}/")), "{json}");
    }
    let bare = Setup { spec: json!({"monitoring": {"enabled": false}}), ..Setup::default() }.start();
    let page = bare.ask("GET", "/", BROWSER).body;
    assert!(TOOLS.iter().all(|tool| !page.contains(tool)) && page.contains("/profiles/"), "{page}");
    assert!(page.contains("href=\"/docs/\""), "{page}");
    assert_eq!(gateway.get("/docs").header("location"), Some("/docs/"));
}

#[test]
fn the_session_of_an_administrator_is_nobodys_to_ask_for() {
    let gateway = gateway();
    for path in ["/admin-session", "/internal/admin-session", "/admin-session/", "//admin-session"] {
        assert_eq!(gateway.ask("GET", path, ADMIN).status, 404, "{path}");
    }
    assert_eq!(gateway.ask("GET", "/user-api/admin/login", BROWSER).json()["service"], "user", "the login is open");
}
