//! Who may see what is not for customers: administrators that have logged in. The user service knows them by a cookie.

use super::{
    nginx::{Directive, block, directive},
    problems, proxy,
};
use crate::Component;

/// Where the user service is asked; only nginx itself gets there.
const ASKED: &str = "/admin-session";

/// Where a browser logs in.
const LOGIN: &str = "/user-api/admin/login";

/// What decides about a request.
pub(super) fn maps() -> Vec<Directive> {
    vec![
        block(
            "map",
            ["$request_method:$http_accept", "$can_log_in"],
            [directive("default", ["0"]), directive("~^(GET|HEAD):.*text/html", ["1"])],
        ),
        // Another site may lead somebody here, and do nothing in their name. In Locust even a link does something.
        block(
            "map",
            ["$service:$http_sec_fetch_site:$http_sec_fetch_mode", "$unasked"],
            [
                directive("default", ["$led_to_do_something"]),
                directive("~^[^:]*:(cross|same)-site:navigate$", ["$navigation_does_something"]),
                directive("~^[^:]*:(cross|same)-site:", ["1"]),
            ],
        ),
        block(
            "map",
            ["$service:$request_method", "$navigation_does_something"],
            [directive("default", ["1"]), directive("~^(?!locust:)[^:]*:(GET|HEAD)$", ["0"])],
        ),
        // Nor does our own login, which leads on to wherever a link of another site has said. What these addresses do, Locust's page asks for by
        // its scripts; a page to look at they are not. They are compared as Locust reads them: without what was encoded.
        block(
            "map",
            ["$service:$http_sec_fetch_mode:$uri", "$led_to_do_something"],
            [directive("default", ["0"]), directive("~^locust:navigate:/locust/(stop|stats/reset)/?$", ["1"])],
        ),
        // The cookie is the gateway's and the user service's alone. If there is a second one, no cookie is passed on at all.
        block(
            "map",
            ["$http_cookie", "$cookies_but_one"],
            [
                directive("default", ["$http_cookie"]),
                directive(
                    "~^(?<cookies_before>(.*;)?)[[:space:]]*shop_admin[[:space:]]*=[^;]*(;[[:space:]]*(?<cookies_after>.*))?$",
                    ["$cookies_before$cookies_after"],
                ),
            ],
        ),
        block(
            "map",
            ["$cookies_but_one", "$cookies_of_tool"],
            [directive("default", ["$cookies_but_one"]), directive("~shop_admin[[:space:]]*=", [""])],
        ),
    ]
}

/// Lets nobody else into a location.
pub(super) fn only() -> Vec<Directive> {
    let mut inside = vec![
        block("if", ["($unasked)"], [directive("return", ["403"])]),
        directive("auth_request", [ASKED]),
        directive("auth_request_set", ["$admin", "$upstream_http_x_shop_user"]),
        directive("error_page", ["401", "=", "@login"]),
        // Whatever else the user service said, or did not say.
        directive("error_page", ["500", "=503", &problems::place("503")]),
    ];
    inside.extend(problems::error_pages());
    inside
}

/// What a tool is told of who asks, and what a browser is told of the tool.
pub(super) fn told() -> Vec<Directive> {
    vec![
        directive("proxy_set_header", ["X-Webauth-User", "$admin"]),
        directive("proxy_set_header", ["Cookie", "$cookies_of_tool"]),
        directive("proxy_set_header", ["Authorization", ""]),
        // Nobody frames a tool, and no other site reads it, whatever the tool itself thinks of that.
        directive("proxy_hide_header", ["X-Frame-Options"]),
        directive("proxy_hide_header", ["Access-Control-Allow-Origin"]),
        directive("proxy_hide_header", ["Access-Control-Allow-Credentials"]),
        directive("add_header", ["X-Frame-Options", "SAMEORIGIN", "always"]),
        directive("add_header", ["Content-Security-Policy", "frame-ancestors 'self'", "always"]),
        directive("add_header", ["X-Content-Type-Options", "nosniff", "always"]),
    ]
}

/// Where the user service is asked, and where those go who have not logged in.
pub(super) fn locations() -> [Directive; 2] {
    let address = format!("http://{}/internal/admin-session", Component::User);
    // Each request of a tool asks anew, so that a logout holds at once.
    let mut asked = vec![directive("internal", []), directive("access_log", ["off"])];
    asked.extend(proxy::plainly_asked(&address, "$host", "5s"));
    asked.extend([
        directive("proxy_set_header", ["Connection", ""]),
        proxy::again(["error", "timeout"]),
        directive("proxy_pass_request_body", ["off"]),
        directive("proxy_pass_request_headers", ["off"]),
        directive("proxy_set_header", ["Content-Length", ""]),
        directive("proxy_set_header", ["Cookie", "$http_cookie"]),
    ]);
    let login = vec![
        block("if", ["($can_log_in)"], [directive("return", ["302", &format!("{LOGIN}?next=$request_uri")])]),
        directive("return", ["401"]),
    ];
    [block("location", ["=", ASKED], asked), block("location", ["@login"], login)]
}
