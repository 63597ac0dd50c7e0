//! What a visitor sees.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shop_runtime::db::DbConfig;

use crate::support::{Catalog, Setup};

#[tokio::test]
async fn the_health_route_names_the_service_and_its_version() {
    let catalog = Catalog::empty().await;
    let answer = catalog.get("/api/system/health").await;
    let body = json!({"status": "healthy", "service": "catalog", "version": env!("CARGO_PKG_VERSION")});
    assert_eq!((answer.status, answer.body), (200, body));
}

#[tokio::test]
async fn eight_categories_are_listed_in_both_languages_with_their_counts() {
    let catalog = Catalog::with_products(20).await;
    let answer = catalog.get("/api/products/categories/list").await;
    insta::assert_json_snapshot!(answer.body);
}

#[tokio::test]
async fn one_product_has_everything_and_its_version_as_a_tag() {
    let catalog = Catalog::with_products(8).await;
    let answer = catalog.get("/api/products/1").await;
    assert_eq!(answer.header("etag"), Some("\"1\""));
    insta::assert_json_snapshot!(answer.body);
    let metrics = shop_runtime::metrics::encode(&catalog.registry).expect("the registry can be written");
    assert!(metrics.contains("product_views_total 1\n"), "{metrics}");
}

#[tokio::test]
async fn the_pages_of_a_category_hold_each_of_its_products_once() {
    let catalog = Catalog::with_products(100).await;
    let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = catalog.get(&format!("/api/products?category=meat&limit=5{cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        for product in page.body["items"].as_array().expect("a page has items") {
            assert_eq!(product["category"], "meat");
            seen.push(product["id"].as_i64().expect("an id is a number"));
        }
        pages += 1;
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    // Product 3 is meat, and every eighth after it.
    assert_eq!(seen, (3..=100).step_by(8).collect::<Vec<_>>());
    assert_eq!(pages, 3);
}

#[tokio::test]
async fn products_that_come_and_go_between_two_pages_neither_repeat_nor_hide_others() {
    let catalog = Catalog::with_products(80).await;
    let first = catalog.get("/api/products?category=fruit&limit=4").await;
    let next = first.body["next_cursor"].as_str().expect("another page follows");
    catalog.delete(1).await;
    catalog.delete(25).await;
    catalog.delete(33).await;
    catalog.admin("POST", "/api/products", &crate::admin::pears()).await;

    let second = catalog.get(&format!("/api/products?category=fruit&limit=4&cursor={next}")).await;

    let ids: Vec<_> = second.body["items"].as_array().expect("items").iter().map(|item| item["id"].as_i64()).collect();
    assert_eq!(ids, [41, 49, 57, 65].map(Some));
}

#[tokio::test]
async fn without_a_category_all_products_are_listed_twenty_at_a_time() {
    let catalog = Catalog::with_products(30).await;
    let page = catalog.get("/api/products").await;
    let categories: BTreeSet<_> =
        page.body["items"].as_array().expect("items").iter().map(|item| item["category"].as_str()).collect();
    assert_eq!((page.body["items"].as_array().map(Vec::len), categories.len()), (Some(20), 8));
    let next = page.body["next_cursor"].as_str().expect("another page follows");
    let last = catalog.get(&format!("/api/products?cursor={next}")).await;
    assert_eq!(last.body["items"].as_array().map(Vec::len), Some(10));
    assert_eq!(last.body["next_cursor"], json!(null));
}

#[tokio::test]
async fn a_parameter_that_makes_no_sense_is_refused_by_name() {
    let catalog = Catalog::with_products(100).await;
    let meat = catalog.get("/api/products?category=meat&limit=1").await;
    let meat = meat.body["next_cursor"].as_str().expect("another page follows");
    for (query, named) in [
        ("limit=0".to_owned(), "limit"),
        ("limit=101".to_owned(), "limit"),
        ("limit=many".to_owned(), "limit"),
        ("limit=-1".to_owned(), "limit"),
        ("cursor=%25%25".to_owned(), "cursor"),
        ("cursor=e30".to_owned(), "cursor"),
        ("cursor=".to_owned(), "cursor"),
        (format!("category=fruit&cursor={meat}"), "cursor"),
        ("category=toys".to_owned(), "category"),
        ("category=".to_owned(), "category"),
    ] {
        let refused = catalog.get(&format!("/api/products?{query}")).await;
        refused.assert_problem(400, "bad-request");
        let detail = refused.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(named), "{query}: {named} is not in: {detail}");
    }
}

#[tokio::test]
async fn a_category_without_products_is_an_empty_page_and_no_mistake() {
    let catalog = Catalog::empty().await;
    let page = catalog.get("/api/products?category=fruit").await;
    assert_eq!((page.status, page.body), (200, json!({"items": [], "next_cursor": null})));
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_document() {
    let catalog = Catalog::with_products(8).await;
    let missing = catalog.get("/api/products/9").await;
    missing.assert_problem(404, "product-not-found");
    assert_eq!(missing.body["product_ids"], json!([9]));
    assert_eq!(missing.body["detail"], "product 9 is not sold here, or not any more");
    for malformed in ["apple", "0", "-1", "1.5", "99999999999999999999"] {
        let answer = catalog.get(&format!("/api/products/{malformed}")).await;
        answer.assert_problem(404, "not-found");
        assert!(answer.body["detail"].as_str().is_some_and(|detail| detail.contains(malformed)), "{answer:?}");
    }
    catalog.get("/api/nothing").await.assert_problem(404, "not-found");
    catalog.send(catalog.request("POST", "/api/products/1")).await.assert_problem(405, "method-not-allowed");
}

#[tokio::test]
async fn a_quote_has_the_products_that_are_sold_sorted_and_each_once() {
    let catalog = Catalog::with_products(8).await;
    catalog.delete(2).await;

    let ids = json!({"product_ids": [5, 2, 1, 99, 5]});
    let quote = catalog.internal("POST", "/internal/products/quote", ids).await;

    assert_eq!(quote.status, 200, "{quote:?}");
    let quoted = |product: Value| json!({"id": product["id"], "name": product["name"], "price": product["price"], "stock": product["stock"]});
    assert_eq!(quote.body, json!({"products": [quoted(catalog.product(1).await), quoted(catalog.product(5).await)]}));
    let none = catalog.internal("POST", "/internal/products/quote", json!({"product_ids": []})).await;
    assert_eq!(none.body, json!({"products": []}));
    let too_many = json!({"product_ids": vec![1; 501]});
    catalog.internal("POST", "/internal/products/quote", too_many).await.assert_problem(422, "invalid-input");
    let malformed = json!({"product_ids": [0]});
    catalog.internal("POST", "/internal/products/quote", malformed).await.assert_problem(422, "invalid-input");
}

/// A page that is planned anew for each request costs more in planning than in reading.
#[tokio::test]
async fn a_page_is_planned_once_and_read_from_its_index() {
    let setup = Setup::new().await;
    let config = DbConfig { max_connections: 1, ..setup.config };
    let catalog = Catalog::start(Setup { config, ..setup }).await.filled(2_000).await;
    sqlx::query("ANALYZE products").execute(&catalog.pool).await.expect("the table is ours");

    for limit in 1..=20 {
        assert_eq!(catalog.get(&format!("/api/products?category=bread&limit={limit}")).await.status, 200);
    }

    let (name, generic, custom): (String, i64, i64) = sqlx::query_as(
        "SELECT name, generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT %LIMIT $3'",
    )
    .fetch_one(&catalog.pool)
    .await
    .expect("the only connection has prepared the page");
    assert_eq!((generic, custom), (20, 0));

    let explain = sqlx::AssertSqlSafe(format!("EXPLAIN EXECUTE {name} ('bread', 0, 21)"));
    let plan: Vec<String> = sqlx::query_scalar(explain).fetch_all(&catalog.pool).await.expect("it can be explained");
    let plan = plan.join("\n");
    assert!(plan.contains("Index Scan using products_by_category") && !plan.contains("Sort"), "{plan}");
}
