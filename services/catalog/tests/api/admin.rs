//! What an administrator can change.

use futures::future::join_all;
use serde_json::{Value, json};
use shop_auth::Role;

use crate::support::{Answer, Catalog};

pub(crate) fn pears() -> Value {
    json!({
        "name": {"en": "Pears", "ru": "Груши"}, "description": {"en": "Green.", "ru": "Зелёные."},
        "category": "fruit", "price": {"amount": 9900, "currency": "RUB"}, "stock": 7,
    })
}

async fn count(catalog: &Catalog, category: &str) -> i64 {
    let answer = catalog.get("/api/products/categories/list").await;
    let categories = answer.body["categories"].as_array().expect("a list").clone();
    let found = categories.iter().find(|listed| listed["slug"] == category).expect("the category is listed");
    found["product_count"].as_i64().expect("a count is a number")
}

async fn patch_version(catalog: &Catalog, version: &str, change: &Value) -> Answer {
    let request = catalog.request("PATCH", "/api/products/1").header("If-Match", version);
    catalog.send(request.header("Authorization", catalog.bearer(Role::Admin)).json(change)).await
}

#[tokio::test]
async fn a_product_that_is_added_is_sold_and_counted() {
    let catalog = Catalog::with_products(8).await;

    let added = catalog.admin("POST", "/api/products", &pears()).await;

    assert_eq!(added.status, 201, "{added:?}");
    let path = added.header("location").expect("it says where").to_owned();
    assert_eq!(catalog.get(&path).await.body, added.body);
    assert!(added.body["id"].as_i64().is_some_and(|id| id > 1_000_000), "demo products keep the numbers below");
    assert_eq!((&added.body["stock"], &added.body["version"]), (&json!(7), &json!(1)));
    assert_eq!(count(&catalog, "fruit").await, 2);
}

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name() {
    let catalog = Catalog::with_products(8).await;
    let mut expected = catalog.product(1).await;

    let change = json!({"name": {"en": "Pears", "ru": "Груши"}, "price": {"amount": 5, "currency": "RUB"}});
    let changed = catalog.admin("PATCH", "/api/products/1", &change).await;

    expected["name"] = change["name"].clone();
    expected["price"] = change["price"].clone();
    expected["version"] = json!(2);
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")));
    assert_eq!(changed.body, expected);
    assert_eq!(catalog.product(1).await, expected);
}

#[tokio::test]
async fn a_product_that_moves_is_counted_where_it_is() {
    let catalog = Catalog::with_products(16).await;
    catalog.set(1, &json!({"category": "sweets"})).await;
    assert_eq!((count(&catalog, "fruit").await, count(&catalog, "sweets").await), (1, 3));
    let sweets = catalog.get("/api/products?category=sweets").await;
    assert_eq!(sweets.body["items"][0]["id"], 1);
}

#[tokio::test]
async fn a_product_that_is_deleted_is_gone_for_everyone() {
    let catalog = Catalog::with_products(16).await;
    catalog.delete(1).await;
    catalog.get("/api/products/1").await.assert_problem(404, "product-not-found");
    catalog.admin("DELETE", "/api/products/1", &Value::Null).await.assert_problem(404, "product-not-found");
    catalog.admin("PATCH", "/api/products/1", &json!({})).await.assert_problem(404, "product-not-found");
    assert_eq!(count(&catalog, "fruit").await, 1);
}

#[tokio::test]
async fn a_change_of_an_outdated_version_is_refused() {
    let catalog = Catalog::with_products(8).await;
    let change = json!({"stock": 1});
    assert_eq!(patch_version(&catalog, "\"1\"", &change).await.status, 200);

    let refused = patch_version(&catalog, "\"1\"", &change).await;

    refused.assert_problem(412, "version-outdated");
    assert_eq!(refused.body["current_version"], 2);
    assert_eq!(patch_version(&catalog, "2", &change).await.status, 200);
    assert_eq!(patch_version(&catalog, "*", &change).await.status, 200);
    patch_version(&catalog, "new", &change).await.assert_problem(400, "bad-request");
    let request = catalog.request("DELETE", "/api/products/1").header("If-Match", "\"1\"");
    let request = request.header("Authorization", catalog.bearer(Role::Admin));
    catalog.send(request).await.assert_problem(412, "version-outdated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_changes_to_one_version_at_the_same_time_one_is_made() {
    let catalog = Catalog::with_products(8).await;
    let change = json!({"stock_change": 1});
    let stock = catalog.stock(1).await;

    let answers = join_all((0..20).map(|_| patch_version(&catalog, "\"1\"", &change))).await;

    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(catalog.stock(1).await, stock + 1);
}

#[tokio::test]
async fn stock_does_not_change_to_what_can_not_be() {
    let catalog = Catalog::with_products(8).await;
    catalog.set(1, &json!({"stock": 3})).await;

    let refused = catalog.admin("PATCH", "/api/products/1", &json!({"stock_change": -4})).await;

    refused.assert_problem(409, "stock-out-of-range");
    assert_eq!((refused.body["available"].as_i64(), catalog.stock(1).await), (Some(3), 3));
}

#[tokio::test]
async fn a_product_that_makes_no_sense_is_refused_with_the_field_named() {
    let catalog = Catalog::with_products(8).await;
    let with = |field: &str, value: Value| {
        let mut product = pears();
        product[field] = value;
        product
    };
    for (field, value) in [
        ("name", json!({"en": " ", "ru": "Груши"})),
        ("name", json!({"en": "x".repeat(201), "ru": "Груши"})),
        ("name", json!({"en": "Pears"})),
        ("description", json!({"en": "", "ru": ""})),
        ("category", json!("toys")),
        ("category", json!("")),
        ("category", json!("fruit\u{0}")),
        ("name", json!({"en": "Pe\u{0}ars", "ru": "Груши"})),
        ("price", json!({"amount": 0, "currency": "RUB"})),
        ("price", json!({"amount": 1.5, "currency": "RUB"})),
        ("price", json!({"amount": 1, "currency": "XXX"})),
        ("stock", json!(-1)),
        ("stock", json!(1_000_001)),
        ("id", json!(5)),
        ("version", json!(5)),
    ] {
        let refused = catalog.admin("POST", "/api/products", &with(field, value.clone())).await;
        refused.assert_problem(422, "invalid-input");
        let detail = refused.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(field), "{field}: {value}: {detail}");
        if !matches!(field, "id") {
            let change = json!({field: value});
            catalog.admin("PATCH", "/api/products/1", &change).await.assert_problem(422, "invalid-input");
        }
    }
    let both = json!({"stock": 1, "stock_change": 1});
    catalog.admin("PATCH", "/api/products/1", &both).await.assert_problem(422, "invalid-input");
    assert_eq!(count(&catalog, "fruit").await, 1);
    assert_eq!(catalog.product(1).await["version"], 1);

    let request = catalog.request("POST", "/api/products").header("Authorization", catalog.bearer(Role::Admin));
    let request = request.header("Content-Type", "application/json").body("{");
    catalog.send(request).await.assert_problem(400, "malformed-json");
}
