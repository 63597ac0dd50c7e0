#![doc = include_str!("../README.md")]

use std::sync::LazyLock;

use axum::Router;
use axum::extract::OriginalUri;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use shop_runtime::Problem;
use shop_runtime::asset::{Asset, Framing};
use shop_runtime::conditional::ETag;
use shop_runtime::extract::Path;

/// What was made of the book.
struct Book {
    /// The scripts on its pages, as a policy names them.
    scripts: &'static str,
    /// All of it, by path.
    files: &'static [File],
}

struct File {
    name: &'static str,
    tag: &'static str,
    bytes: &'static [u8],
}

static BOOK: Book = include!(concat!(env!("OUT_DIR"), "/list.rs"));

/// It needs its own files and the scripts that mdBook writes onto each page, and talks to nobody. Without scripts, the list of chapters is in a frame.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let policy = format!(
        "default-src 'none'; script-src 'self' {}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
        BOOK.scripts
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// The book at `/docs/`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/docs/", get(first)).route("/docs/{*name}", get(page))
}

async fn first(address: OriginalUri, headers: HeaderMap) -> Result<Response, Problem> {
    page(Path("index.html".to_owned()), address, headers).await
}

async fn page(Path(name): Path<String>, address: OriginalUri, headers: HeaderMap) -> Result<Response, Problem> {
    if let (Some(file), Some(media_type)) = (find(&name), media_type(&name)) {
        let policy = POLICY.clone();
        let asset =
            Asset { media_type, policy, framing: Framing::SameOrigin, encoding: None, etag: ETag::strong(file.tag) };
        return Ok(asset.answer(&headers, || Bytes::from_static(file.bytes)));
    }
    // The alerts name pages so.
    let page = find(&format!("{name}.html")).ok_or_else(|| Problem::nothing_at(&address))?;
    Ok(Redirect::permanent(&format!("/docs/{}", page.name)).into_response())
}

fn find(name: &str) -> Option<&'static File> {
    BOOK.files.binary_search_by_key(&name, |file| file.name).ok().map(|at| &BOOK.files[at])
}

/// None for what is no part of a book.
fn media_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
