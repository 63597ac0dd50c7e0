//! The page on which all of the shop's APIs can be read and tried, at `/swagger/`.
//!
//! Its assets are in the binary as the archive in which they are published, compressed as they are in there: a file of it is sent with
//! a gzip head and tail around its bytes, so that nothing is unpacked, copied or kept in memory.

mod archive;

use axum::Router;
use axum::extract::OriginalUri;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use shop_runtime::Problem;
use shop_runtime::asset::{Asset, Framing};
use shop_runtime::conditional::ETag;
use shop_runtime::extract::Path;

/// The page itself: nothing in it runs that is not a file of its own, so that the policy may forbid everything else.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Shopkeeper: all APIs</title>
<link rel="stylesheet" href="swagger-ui.css">
<link rel="icon" type="image/png" href="favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="swagger-ui-bundle.js"></script>
<script src="swagger-ui-standalone-preset.js"></script>
<script src="start.js"></script>
</body>
</html>
"#;

/// What it shows: the documents that the services answer themselves.
const START: &str = r##"window.ui = SwaggerUIBundle({
  urls: [
    {name: "Catalog", url: "/api/openapi.json"},
    {name: "Cart", url: "/cart-api/openapi.json"},
    {name: "Orders", url: "/order-api/openapi.json"},
    {name: "Users", url: "/user-api/openapi.json"},
  ],
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: "StandaloneLayout",
});
"##;

/// Swagger UI needs styles of its own making and pictures in them; it talks to nobody but the shop.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page and its files. Not among the routes of the OpenAPI document: it is what shows them.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/swagger/", get(page)).route("/swagger/{file}", get(file))
}

async fn page(headers: HeaderMap) -> Response {
    written(&headers, "text/html; charset=utf-8", PAGE)
}

async fn file(
    Path(name): Path<String>,
    OriginalUri(address): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let media_type = match &*name {
        "start.js" => return Ok(written(&headers, "text/javascript; charset=utf-8", START)),
        "swagger-ui-bundle.js" | "swagger-ui-standalone-preset.js" => "text/javascript; charset=utf-8",
        "swagger-ui.css" => "text/css; charset=utf-8",
        "favicon-32x32.png" => "image/png",
        _ => return Err(Problem::nothing_at(&address)),
    };
    let packed = archive::find(utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED, &format!("/dist/{name}"));
    let packed = packed.ok_or_else(|| Problem::nothing_at(&address))?;
    let etag = ETag::strong(format_args!("{:08x}", packed.checksum()));
    Ok(asset(media_type, Some("gzip"), etag).answer(&headers, || packed.to_gzip()))
}

/// What is written above.
fn written(headers: &HeaderMap, media_type: &'static str, text: &'static str) -> Response {
    let etag = ETag::of_content(text.as_bytes());
    asset(media_type, None, etag).answer(headers, || Bytes::from_static(text.as_bytes()))
}

const fn asset(media_type: &'static str, encoding: Option<&'static str>, etag: ETag) -> Asset {
    Asset { media_type, policy: HeaderValue::from_static(POLICY), framing: Framing::Never, encoding, etag }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_page_asks_for_is_there() {
        for name in ["swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-ui.css", "favicon-32x32.png"] {
            assert!(PAGE.contains(name));
            let packed = archive::find(utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED, &format!("/dist/{name}"));
            assert!(packed.is_some_and(|packed| packed.to_gzip().len() > 500), "{name}");
        }
    }
}
