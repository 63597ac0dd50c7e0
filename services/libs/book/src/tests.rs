use std::collections::BTreeSet;
use std::fs;
use std::path::Path as FilePath;

use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, StatusCode};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;

use super::*;

async fn ask(path: &str, headers: &[(&str, &str)]) -> Response {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    router::<()>().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer")
}

fn pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    let pages = BOOK.files.iter().filter(|file| media_type(file.name).is_some_and(|it| it.starts_with("text/html")));
    pages.map(|file| (file.name, std::str::from_utf8(file.bytes).expect("text")))
}

/// The values of an attribute, wherever it stands on a page.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    page.split(&format!(" {attribute}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// Where a relative address on a page leads.
fn resolved(page: &str, address: &str) -> String {
    let mut place: Vec<&str> = page.split('/').collect();
    place.pop();
    for step in address.split('/') {
        match step {
            ".." => drop(place.pop()),
            "." => {}
            step => place.push(step),
        }
    }
    place.join("/")
}

#[test]
fn every_chapter_is_a_page() {
    let source = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/src");
    let summary = fs::read_to_string(source.join("SUMMARY.md")).expect("a summary");
    let chapters: Vec<&str> = summary.split("](").skip(1).filter_map(|rest| rest.split(".md)").next()).collect();
    assert!(chapters.len() > 90, "{chapters:?}");
    for chapter in chapters {
        assert!(find(&format!("{chapter}.html")).is_some(), "{chapter}");
    }
}

#[test]
fn every_address_on_a_page_is_that_of_a_file_or_of_another_place() {
    let mut seen = 0;
    for (name, page) in pages() {
        for address in values(page, "href").into_iter().chain(values(page, "src")) {
            let file = address.split(['#', '?']).next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            seen += 1;
            assert!(find(&resolved(name, file)).is_some(), "{name}: {address}");
        }
    }
    assert!(seen > 1_000, "{seen}");
}

#[test]
fn nothing_runs_on_a_page_that_its_policy_does_not_name() {
    let policy = POLICY.to_str().expect("text");
    assert!(policy.contains("default-src 'none'; script-src 'self' 'sha256-"), "{policy}");
    for (name, page) in pages() {
        assert!(values(page, "src").iter().all(|address| !address.contains("://")), "{name}");
        let mut written = 0;
        for script in page.split("<script>").skip(1) {
            let (script, _) = script.split_once("</script>").expect("an end");
            let hash = STANDARD.encode(Sha256::digest(script));
            assert!(policy.contains(&format!("'sha256-{hash}'")), "{name}: {script}");
            written += 1;
        }
        let files = page.matches("<script src=\"").count();
        assert_eq!(page.matches("<script").count(), written + files, "{name} has a script of another kind");
        let handlers = ["onclick", "onload", "onerror", "onchange"];
        assert!(handlers.iter().all(|handler| values(page, handler).is_empty()), "{name}");
    }
}

#[test]
fn every_file_is_of_a_kind_that_browsers_know() {
    let unknown: BTreeSet<&str> =
        BOOK.files.iter().map(|file| file.name).filter(|name| media_type(name).is_none()).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[tokio::test]
async fn a_page_is_sent_once_and_told_with_what_may_run_on_it() {
    let first = ask("/docs/", &[]).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(first.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(first.headers()["content-security-policy"], *POLICY);
    let etag = first.headers()["etag"].to_str().expect("text").to_owned();
    let body = to_bytes(first.into_body(), usize::MAX).await.expect("a body");
    assert!(std::str::from_utf8(&body).expect("text").contains("<title>"));
    assert_eq!(ask("/docs/", &[("if-none-match", &etag)]).await.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn an_alert_may_leave_out_how_the_name_of_its_page_ends() {
    let answer = ask("/docs/runbooks/redis-down", &[]).await;
    assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.headers()["location"], "/docs/runbooks/redis-down.html");
    assert_eq!(ask("/docs/runbooks/redis-down.html", &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_in_the_book_is_a_problem() {
    for path in
        ["/docs/nothing", "/docs/nothing.html", "/docs/runbooks/", "/docs/../Cargo.toml", "/docs/..%2fCargo.toml"]
    {
        let answer = ask(path, &[]).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}
