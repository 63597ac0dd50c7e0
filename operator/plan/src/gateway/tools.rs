//! Places of those who run the shop: dashboards and tools, behind the login of administrators.
//!
//! A tool is looked up when it is asked for, so that nginx starts without it and finds a Service that was made anew.

use super::{
    admins,
    nginx::{Directive, block, directive},
    problems, proxy,
};
use crate::{Component, Found, Shop};

/// The places, which are called as their components are, and what is there.
pub(crate) const TOOLS: [(Component, &str); 7] = [
    (Component::Grafana, "Dashboards"),
    (Component::Prometheus, "Metrics"),
    (Component::Alertmanager, "Alerts"),
    (Component::Jaeger, "Traces"),
    (Component::Locust, "Load test"),
    (Component::PgAdmin, "The database"),
    (Component::RedisCommander, "The cache's Redis"),
];

/// Where traces were in the older system.
const SEARCH: &str = "/search";

/// Those that there are, and those that there are not.
fn made_or_not(shop: &Shop, found: &Found) -> (Vec<Component>, Vec<Component>) {
    TOOLS.iter().map(|(tool, _)| *tool).partition(|tool| shop.has(*tool, found))
}

/// Where each tool is, as far as there is one.
pub(super) fn maps(shop: &Shop, found: &Found) -> Vec<Directive> {
    let (made, _) = made_or_not(shop, found);
    if made.is_empty() {
        // Without a place of a tool, nginx knows of no `$tool`.
        return Vec::new();
    }
    let addresses = made.iter().map(|tool| directive(tool.as_str(), [&address(shop, tool.as_str(), tool.port())]));
    vec![
        block("map", ["$tool", "$address_of_tool"], addresses),
        // Tools make addresses of themselves out of it.
        block(
            "map",
            ["$http_host", "$host_and_port"],
            [directive("", ["$host"]), directive("default", ["$http_host"])],
        ),
    ]
}

/// The whole name of a Service, since nginx does not know what may be left out of it.
pub(super) fn address(shop: &Shop, word: &str, port: i32) -> String {
    format!("{}-{word}.{}.svc.$cluster_domain:{port}", shop.name, shop.namespace)
}

/// All of their locations.
pub(super) fn locations(shop: &Shop, found: &Found) -> Vec<Directive> {
    let (made, others) = made_or_not(shop, found);
    let mut locations = Vec::new();
    if !made.is_empty() {
        let words: Vec<&str> = made.iter().map(|tool| tool.as_str()).collect();
        let words = words.join("|");
        locations.push(block("location", ["~", &format!("^/(?<tool>{words})/")], tool()));
        locations.push(block(
            "location",
            ["~", &format!("^/({words})$")],
            [directive("return", ["301", "$uri/$is_args$args"])],
        ));
    }
    for tool in others {
        locations.push(absent(&format!("/{tool}"), tool));
        locations.push(problems::absent(shop, found, tool));
    }
    locations.push(if shop.has(Component::Jaeger, found) {
        block("location", ["^~", SEARCH], [directive("return", ["302", "/jaeger/search$is_args$args"])])
    } else {
        absent(SEARCH, Component::Jaeger)
    });
    locations
}

fn absent(place: &str, tool: Component) -> Directive {
    let page = problems::place_of_absent(tool);
    block("location", ["^~", place], [directive("error_page", ["404", &page]), directive("return", ["404"])])
}

fn tool() -> Vec<Directive> {
    let mut inside = vec![directive("set", ["$service", "$tool"])];
    inside.extend(admins::only());
    // Grafana's live figures are a websocket, which says something at least every half minute.
    inside.extend(proxy::asked("http://$address_of_tool", "$host_and_port", "75s"));
    inside.extend(admins::told());
    inside
}
