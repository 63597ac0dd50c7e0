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

    refused.assert_problem(412, "precondition-failed");
    assert_eq!(refused.body["current_version"], 2);
    assert_eq!(patch_version(&catalog, "\"2\"", &change).await.status, 200);
    assert_eq!(patch_version(&catalog, "*", &change).await.status, 200);
    patch_version(&catalog, "new", &change).await.assert_problem(400, "bad-request");
    let request = catalog.request("DELETE", "/api/products/1").header("If-Match", "\"1\"");
    let request = request.header("Authorization", catalog.bearer(Role::Admin));
    catalog.send(request).await.assert_problem(412, "precondition-failed");
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
        if !matches!(field, "id" | "version") {
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

#[tokio::test]
async fn a_product_is_replaced_as_a_whole_by_who_says_what_it_was() {
    let catalog = Catalog::with_products(8).await;
    let put = async |if_match: Option<&str>, body: &Value| {
        let mut request =
            catalog.request("PUT", "/api/products/1").header("Authorization", catalog.bearer(Role::Admin));
        if let Some(if_match) = if_match {
            request = request.header("If-Match", if_match);
        }
        catalog.send(request.json(body)).await
    };
    put(None, &pears()).await.assert_problem(428, "precondition-required");
    let refused = put(Some("\"7\""), &pears()).await;
    refused.assert_problem(412, "precondition-failed");
    assert_eq!((refused.header("etag"), &refused.body["current_version"]), (Some("\"1\""), &json!(1)));
    let mut with_version = pears();
    with_version["version"] = json!(7);
    let refused = put(None, &with_version).await;
    refused.assert_problem(409, "version-conflict");
    assert_eq!(refused.body["current_version"], 1);
    assert_eq!(catalog.product(1).await["version"], 1);

    let replaced = put(Some("\"1\""), &pears()).await;

    assert_eq!((replaced.status, replaced.header("etag")), (200, Some("\"2\"")), "{replaced:?}");
    let mut expected = pears();
    expected["id"] = json!(1);
    expected["version"] = json!(2);
    expected["sale"] = json!(null);
    assert_eq!((&replaced.body, catalog.product(1).await), (&expected, expected.clone()));
    with_version["version"] = json!(2);
    with_version["category"] = json!("bread");
    assert_eq!(put(None, &with_version).await.body["version"], 3);
    assert_eq!((count(&catalog, "fruit").await, count(&catalog, "bread").await), (0, 2), "counted at once");
    let mut part = pears();
    part.as_object_mut().expect("an object").remove("stock");
    let refused = put(Some("\"3\""), &part).await;
    refused.assert_problem(422, "invalid-input");
    assert!(refused.body["detail"].as_str().is_some_and(|detail| detail.contains("stock")), "{refused:?}");
    let missing = catalog.request("PUT", "/api/products/99").header("Authorization", catalog.bearer(Role::Admin));
    catalog.send(missing.header("If-Match", "*").json(&pears())).await.assert_problem(404, "product-not-found");
}

#[tokio::test]
async fn the_state_that_is_changed_may_be_named_as_it_was_read_while_a_sale_runs() {
    let catalog = Catalog::with_products(8).await;
    let ends_at = "2999-01-01T00:00:00Z";
    sqlx::query(
        "INSERT INTO flash_sales (id, product_id, price_amount, price_currency, starts_at, ends_at, told)
                 VALUES (gen_random_uuid(), 1, 7, 'RUB', now(), $1::text::timestamptz, 'running')",
    )
    .bind(ends_at)
    .execute(&catalog.pool)
    .await
    .expect("the table is ours");
    let read = catalog.get("/api/products/1").await;
    assert_eq!(read.header("etag"), Some("\"1-7\""));
    let change = json!({"stock_change": 1});
    for (outdated, status) in [("\"1-8\"", 412), ("\"2\"", 412), ("1", 400)] {
        assert_eq!(patch_version(&catalog, outdated, &change).await.status, status, "{outdated}");
    }
    let changed = patch_version(&catalog, "\"1-7\"", &change).await;
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2-7\"")), "{changed:?}");
    assert_eq!(patch_version(&catalog, "\"2\"", &change).await.status, 200, "the version alone will do");
    assert_eq!(patch_version(&catalog, "\"1\", \"3\"", &change).await.status, 200, "so will one of several");
    let versioned = json!({"stock_change": 1, "version": 3});
    catalog.admin("PATCH", "/api/products/1", &versioned).await.assert_problem(409, "version-conflict");
}

#[tokio::test]
async fn texts_are_kept_clean_and_what_nobody_could_see_is_refused() {
    let catalog = Catalog::with_products(8).await;
    let mut product = pears();
    product["name"] = json!({"en": "  Pears ", "ru": "Груши 🍐"});
    product["description"] = json!({"en": "Green.\r\nSweet.\rRound.", "ru": "ё".repeat(4000)});
    let added = catalog.admin("POST", "/api/products", &product).await;
    assert_eq!((added.status, &added.body["name"]["en"]), (201, &json!("Pears")), "{added:?}");
    assert_eq!(added.body["description"]["en"], "Green.\nSweet.\nRound.");
    let location = added.header("location").expect("it is told where it is").to_owned();
    assert_eq!(catalog.get(&location).await.body, added.body);
    for text in ["\u{200b}", "\u{feff}\u{2060}", "a\u{202e}b", "\u{7f}", "\t", "\u{3164}"] {
        for field in ["name", "description"] {
            let change = json!({field: {"en": text, "ru": "Груши"}});
            let refused = catalog.admin("PATCH", "/api/products/1", &change).await;
            refused.assert_problem(422, "invalid-input");
            let detail = refused.body["detail"].as_str().unwrap_or_default();
            assert!(detail.contains(field) && detail.contains("`en`"), "{text:?}: {detail}");
        }
    }
}

#[tokio::test]
async fn a_change_that_comes_a_second_time_is_answered_like_the_first_time_as_long_as_nothing_else_has_happened() {
    let catalog = Catalog::with_products(8).await;
    let ask = async |method: &str, seen: &str, body: &Value| {
        let request = catalog.request(method, "/api/products/1").header("Authorization", catalog.bearer(Role::Admin));
        let request = request.header("If-Match", seen);
        catalog.send(if body.is_null() { request } else { request.json(body) }).await
    };
    let replaced = ask("PUT", "\"1\"", &pears()).await;
    assert_eq!((replaced.status, replaced.header("etag")), (200, Some("\"2\"")));
    let again = ask("PUT", "W/\"1\"", &pears()).await;
    assert_eq!((again.status, again.header("etag"), &again.body), (200, Some("\"2\""), &replaced.body));
    let mut with_version = pears();
    with_version["version"] = json!(1);
    let again = catalog.admin("PUT", "/api/products/1", &with_version).await;
    assert_eq!((again.status, &again.body), (200, &replaced.body));
    let mut others = pears();
    others["stock"] = json!(8);
    ask("PUT", "\"1\"", &others).await.assert_problem(412, "precondition-failed");
    ask("PUT", "\"0\"", &pears()).await.assert_problem(412, "precondition-failed");
    catalog.set(1, &json!({"stock_change": 1})).await;
    ask("PUT", "\"1\"", &pears()).await.assert_problem(412, "precondition-failed");
    catalog.set(1, &json!({"stock_change": -1})).await;
    ask("PUT", "\"1\"", &pears()).await.assert_problem(412, "precondition-failed");

    assert_eq!(ask("DELETE", "\"4\"", &Value::Null).await.status, 204);
    assert_eq!(ask("DELETE", "\"4\"", &Value::Null).await.status, 204);
    for seen in ["\"3\"", "\"5\"", "*"] {
        ask("DELETE", seen, &Value::Null).await.assert_problem(404, "product-not-found");
    }
}
