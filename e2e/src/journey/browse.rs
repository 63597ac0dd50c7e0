//! What anyone may look at.

use reqwest::{Method, StatusCode};

use super::expect;
use crate::shop::{Answer, Narrator, ShopError, Visitor};

/// The book, and the documents of the services, which the Swagger page shows.
pub(super) async fn documents<N: Narrator>(visitor: &mut Visitor<N>) -> Result<(), ShopError> {
    visitor.narrator.step("What can the shop do? The book, the Swagger page, and the four documents that it shows");
    visitor.get("/docs/").await?;
    visitor.get("/swagger/").await?;
    for prefix in ["/api", "/cart-api", "/order-api", "/user-api"] {
        let document = visitor.get(&format!("{prefix}/openapi.json")).await?;
        let paths = document.body["paths"].as_object().map_or(0, serde_json::Map::len);
        expect(paths > 0, &document, "a document without a route")?;
        visitor.narrator.note(&format!("{paths} paths"));
    }
    Ok(())
}

/// Categories, two pages of the first, and a product that is asked for again.
pub(super) async fn shelves<N: Narrator>(visitor: &mut Visitor<N>) -> Result<Vec<i64>, ShopError> {
    visitor.narrator.step("Which categories are there?");
    let categories = visitor.get("/api/products/categories/list").await?;
    let category = categories.text_at("/categories/0/slug")?.to_owned();
    visitor.narrator.step("Browse the first, two pages of it");
    let first = visitor.get(&format!("/api/products?category={category}&limit=3")).await?;
    let cursor = first.text_at("/next_cursor")?;
    let second = visitor.get(&format!("/api/products?category={category}&limit=3&cursor={cursor}")).await?;
    let products = ids(&first)?.into_iter().chain(ids(&second)?).collect::<Vec<_>>();
    expect(products.len() == 6, &second, "two pages of three")?;
    let path = format!("/api/products/{}", products[0]);
    let product = visitor.get(&path).await?;
    visitor.narrator.step("Ask for a product that one has already: 304, without a body");
    let tag = product.etag.clone().unwrap_or_default();
    visitor.ask(Method::GET, &path, &[("if-none-match", &tag)], None, StatusCode::NOT_MODIFIED).await?;
    Ok(products)
}

/// By word, by its beginning, misspelt, in both languages, with filters.
pub(super) async fn search<N: Narrator>(visitor: &mut Visitor<N>) -> Result<(), ShopError> {
    visitor.narrator.step("Search: a word, its beginning, misspelt, in Russian, cheapest first");
    for query in [
        "q=apple",
        "q=appl",
        "q=aplle",
        "q=%D1%8F%D0%B1%D0%BB%D0%BE%D0%BA%D0%BE&lang=ru",
        "q=chocolate&in_stock=true&sort=price_asc",
    ] {
        let found = visitor.get(&format!("/api/products?{query}&limit=3")).await?;
        expect(!found.list_at("/items")?.is_empty(), &found, "nothing was found")?;
    }
    Ok(())
}

fn ids(page: &Answer) -> Result<Vec<i64>, ShopError> {
    (0..page.list_at("/items")?.len()).map(|index| page.integer_at(&format!("/items/{index}/id"))).collect()
}
