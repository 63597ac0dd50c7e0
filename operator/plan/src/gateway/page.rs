//! The page that nginx itself has: what is where.

use serde_json::{Value, json};

use super::{
    nginx::{Directive, block, directive},
    tools::TOOLS,
};
use crate::{Component, Found, Shop};

/// What everybody may see.
const PLACES: [(&str, &str); 8] = [
    ("/swagger/", "All APIs"),
    ("/docs/", "Documentation"),
    ("/api/products/categories/list", "Categories of the catalog"),
    ("/api/products?category=fruit&limit=20", "Products, page by page"),
    ("/api/system/health", "Health of the catalog"),
    ("/cart-api/health", "Health of the cart"),
    ("/order-api/health", "Health of the orders"),
    ("/user-api/health", "Health of the accounts"),
];

/// A page at one address.
pub(super) fn location(place: &str, name: &str) -> Directive {
    block("location", ["=", place], file(name))
}

/// A file beside the configuration, as the answer. It needs no script, and nobody may put one in.
pub(super) fn file(name: &str) -> Vec<Directive> {
    vec![
        directive("root", ["/etc/shopkeeper"]),
        directive("try_files", [name, "=404"]),
        directive("add_header", ["Vary", "Accept"]),
        directive("add_header", ["X-Content-Type-Options", "nosniff"]),
        directive("add_header", ["X-Frame-Options", "DENY"]),
        directive("add_header", ["Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"]),
    ]
}

/// The tools that there are.
fn tools(shop: &Shop, found: &Found) -> Vec<(String, &'static str)> {
    let made = TOOLS.iter().filter(|(tool, _)| shop.has(*tool, found));
    let mut places: Vec<_> = made.map(|(tool, what)| (place(*tool), *what)).collect();
    places.push(("/profiles/".into(), "CPU profiles of the services"));
    places
}

fn place(tool: Component) -> String {
    format!("/{tool}/")
}

/// The front page.
pub(super) fn html(shop: &Shop, found: &Found) -> String {
    let row = |(path, what): (&str, &str)| {
        format!("<li><a href=\"{0}\"><code>{0}</code></a> {what}</li>\n", path.replace('&', "&amp;"))
    };
    let public = PLACES.map(row).concat();
    let closed: String = tools(shop, found).iter().map(|(path, what)| row((path, what))).collect();
    document(
        &shop.name,
        &format!(
            "<p>The shop is open. A storefront is on its way; until then, this is what is where:</p>\n<ul>\n{public}</ul>\n\
             <p>For administrators, who <a href=\"/user-api/admin/login\">log in</a> first:</p>\n<ul>\n{closed}</ul>"
        ),
    )
}

/// The same for programs.
pub(super) fn json(shop: &Shop, found: &Found) -> String {
    let place = |path: &str, what: &str| json!({"path": path, "what": what});
    let public: Vec<Value> = PLACES.iter().map(|(path, what)| place(path, what)).collect();
    let closed: Vec<Value> = tools(shop, found).iter().map(|(path, what)| place(path, what)).collect();
    json!({"shop": shop.name, "places": public, "forAdministrators": closed}).to_string()
}

/// A page with a heading.
pub(super) fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:16px/1.6 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}}</style></head>\n\
         <body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )
}
