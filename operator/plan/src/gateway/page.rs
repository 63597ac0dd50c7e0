//! What `/` shows until the shop has a storefront: what is where.

use serde_json::json;

use crate::Shop;

const PLACES: [(&str, &str); 7] = [
    ("/swagger/", "All APIs"),
    ("/api/products/categories/list", "Categories of the catalog"),
    ("/api/products?category=fruit&limit=20", "Products, page by page"),
    ("/api/system/health", "Health of the catalog"),
    ("/cart-api/health", "Health of the cart"),
    ("/order-api/health", "Health of the orders"),
    ("/user-api/health", "Health of the accounts"),
];

const COMING: [(&str, &str); 4] =
    [("/docs/", "Documentation"), ("/locust/", "Load test"), ("/profiles/", "CPU profiles"), ("/search", "Traces")];

pub(super) fn html(shop: &Shop) -> String {
    let escaped = |path: &str| path.replace('&', "&amp;");
    let places =
        PLACES.map(|(path, what)| format!("<li><a href=\"{0}\"><code>{0}</code></a> {what}</li>\n", escaped(path)));
    let coming = COMING.map(|(path, what)| format!("<li><code>{path}</code> {what}: not there yet</li>\n"));
    let rows = places.concat() + &coming.concat();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{name}</title>\
         <style>body{{font:16px/1.6 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}}</style></head>\n\
         <body>\n<h1>{name}</h1>\n<p>The shop is open. A storefront is on its way; until then, this is what is where:</p>\n\
         <ul>\n{rows}</ul>\n</body>\n</html>\n",
        name = shop.name
    )
}

pub(super) fn json(shop: &Shop) -> String {
    let list = |places: &[(&str, &str)]| -> Vec<_> {
        places.iter().map(|(path, what)| json!({"path": path, "what": what})).collect()
    };
    json!({"shop": shop.name, "places": list(&PLACES), "coming": list(&COMING)}).to_string()
}
