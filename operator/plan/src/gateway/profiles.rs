//! Where the services spend their time: measured by themselves when somebody asks, for administrators only.

use super::{
    admins,
    nginx::{Directive, block, directive},
    page, proxy, tools,
};
use crate::{Component, SERVICES, Shop, pod::OPS_PORT};

/// What each service can be asked for, under the same name.
const KINDS: [(&str, &str); 2] =
    [("flamegraph.svg", "a flame graph, to look at"), ("cpu.pb", "the same for pprof, to be looked into")];

/// Seconds that a profile takes if one does not change the address.
const SECONDS: u8 = 10;

/// The list of what there is, and the way to it.
pub(super) fn locations(shop: &Shop) -> [Directive; 3] {
    let services = SERVICES.map(Component::as_str).join("|");
    let kinds = KINDS.map(|(kind, _)| kind.replace('.', "[.]")).join("|");
    let profiles = directive("set", ["$service", "profiles"]);
    let mut list = vec![profiles.clone()];
    list.extend(admins::only());
    list.extend(page::file("/profiles.html"));
    let mut profile = vec![profiles];
    profile.extend(admins::only());
    profile.extend(proxy::asked(
        &format!("http://{}/profiles/$kind_of_profile$is_args$args", address(shop)),
        "$host",
        // A profile of a minute, and a quarter of one to draw it.
        "75s",
    ));
    profile.extend(admins::told());
    [
        block("location", ["=", "/profiles/"], list),
        block("location", ["=", "/profiles"], [directive("return", ["301", "/profiles/"])]),
        block("location", ["~", &format!("^/profiles/(?<profiled>{services})/(?<kind_of_profile>{kinds})$")], profile),
    ]
}

fn address(shop: &Shop) -> String {
    tools::address(shop, "$profiled", OPS_PORT.into())
}

/// The page with the list.
pub(super) fn html(shop: &Shop) -> String {
    let links = |service: Component| {
        let links = KINDS.map(|(kind, what)| {
            format!("<a href=\"/profiles/{service}/{kind}?seconds={SECONDS}\"><code>{kind}</code></a> ({what})")
        });
        format!("<li><strong>{service}</strong>: {}</li>\n", links.join(", "))
    };
    let rows = SERVICES.map(links).concat();
    page::document(
        &format!("{}: profiles", shop.name),
        &format!(
            "<p>Each link measures for {SECONDS} seconds where one pod of the service spends its time, and answers then. \
             <code>seconds</code> in the address is how long.</p>\n<ul>\n{rows}</ul>"
        ),
    )
}
