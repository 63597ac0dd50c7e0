//! The page that shows all APIs.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::Catalog;

#[tokio::test]
async fn the_page_and_its_files_are_there_and_may_run_nothing_else() {
    let catalog = Catalog::empty().await;
    let get = async |path: &str| catalog.request("GET", path).send().await.expect("an answer");
    let page = get("/swagger/").await;
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    let page = page.text().await.expect("a page");
    for (file, media_type) in [
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui-standalone-preset.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
        ("favicon-32x32.png", "image/png"),
    ] {
        assert!(page.contains(&format!("\"{file}\"")), "{file}");
        let answer = get(&format!("/swagger/{file}")).await;
        assert_eq!(answer.headers()["content-encoding"], "gzip", "{file}");
        let found = answer.headers()["content-type"].to_str().expect("text");
        assert!(found.starts_with(media_type), "{file}: {found}");
        let etag = answer.headers()["etag"].clone();
        assert!(is_whole(&answer.bytes().await.expect("a file")), "{file}");
        let again = catalog.request("GET", &format!("/swagger/{file}")).header("if-none-match", etag);
        assert_eq!(again.send().await.expect("an answer").status(), 304, "{file}");
    }
    let start = get("/swagger/start.js").await.text().await.expect("a script");
    for service in ["/api", "/cart-api", "/order-api", "/user-api"] {
        assert!(start.contains(&format!("\"{service}/openapi.json\"")), "{service}");
    }
    for nothing in ["/swagger/index.js", "/swagger/..%2fCargo.toml", "/swagger/swagger-ui.css/x"] {
        catalog.get(nothing).await.assert_problem(404, "not-found");
    }
}

/// Whether gzip can unpack it, and finds the checksum and the length right.
fn is_whole(gzip: &[u8]) -> bool {
    let mut check = Command::new("gzip").arg("-t").stdin(Stdio::piped()).spawn().expect("gzip");
    check.stdin.take().expect("piped").write_all(gzip).expect("taken");
    check.wait().expect("its end").success()
}

#[tokio::test]
async fn the_document_for_everybody_leaves_out_what_is_internal() {
    let catalog = Catalog::empty().await;
    let document = catalog.get("/api/openapi.json").await.body;
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.contains_key("/api/products"));
    assert!(paths.keys().all(|path| path.starts_with("/api/") || path == "/ws"), "{:?}", paths.keys());
}
