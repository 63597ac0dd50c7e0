//! Lists: filtered, sorted, page by page, and asked for again.

use serde_json::{Value, json};

use crate::support::{Catalog, ids};

/// All pages of a list, one after the other.
async fn all_pages(catalog: &Catalog, query: &[(&str, &str)], limit: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..500 {
        let mut query = query.to_vec();
        query.push(("limit", limit));
        if let Some(cursor) = &cursor {
            query.push(("cursor", cursor));
        }
        let page = catalog.listed(&query).await;
        items.extend(page["items"].as_array().expect("items").clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return items,
        }
    }
    panic!("{query:?} has no end");
}

fn price(item: &Value) -> i64 {
    item["price"]["amount"].as_i64().expect("a price")
}

/// The English name as it is sorted: without its signs.
fn name(item: &Value) -> String {
    let name = item["name"]["en"].as_str().expect("a name").to_lowercase().replace('\'', "");
    name.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn id(item: &Value) -> i64 {
    item["id"].as_i64().expect("a number")
}

async fn sale(catalog: &Catalog, product: i64, price: i64) -> String {
    let ends_at = (time::OffsetDateTime::now_utc() + time::Duration::hours(1))
        .format(&time::format_description::well_known::Rfc3339)
        .expect("a time");
    let body = json!({"product_id": product, "price": {"amount": price, "currency": "RUB"}, "ends_at": ends_at});
    let answer = catalog.admin("POST", "/api/flash-sales", &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn every_order_of_every_list_shows_each_product_once_and_in_order_page_by_page() {
    let catalog = Catalog::with_products(120).await;
    // Of two equal prices the number decides; a sale moves a product to where its price is now.
    catalog.set(9, &json!({"price": {"amount": 5000, "currency": "RUB"}})).await;
    catalog.set(17, &json!({"price": {"amount": 5000, "currency": "RUB"}})).await;
    catalog.set(25, &json!({"price": {"amount": 100_000, "currency": "RUB"}})).await;
    sale(&catalog, 25, 5000).await;
    catalog.set(33, &json!({"stock": 0})).await;
    let everything = all_pages(&catalog, &[], "100").await;
    assert_eq!(everything.len(), 120);
    for category in [None, Some("fruit"), Some("bread")] {
        for in_stock in ["false", "true"] {
            for (min, max) in [(0, 10_000_000_000), (5000, 12_000), (5000, 5000)] {
                for q in [None, Some("g")] {
                    for sort in ["id", "price_asc", "price_desc", "name", "newest"] {
                        let (min_price, max_price) = (min.to_string(), max.to_string());
                        let mut query = vec![("sort", sort), ("in_stock", in_stock)];
                        if (min, max) != (0, 10_000_000_000) {
                            query.extend([("min_price", &*min_price), ("max_price", &*max_price)]);
                        }
                        query.extend(category.map(|category| ("category", category)));
                        query.extend(q.map(|q| ("q", q)));
                        let wanted = |item: &&Value| {
                            category.is_none_or(|category| item["category"] == category)
                                && (min..=max).contains(&price(item))
                                && (in_stock == "false" || item["stock"] != 0)
                        };
                        let mut expected: Vec<_> = everything.iter().filter(wanted).map(id).collect();
                        if q.is_some() {
                            let grams = all_pages(&catalog, &[("q", "g"), ("sort", "id")], "100").await;
                            let grams: Vec<_> = grams.iter().map(id).collect();
                            expected.retain(|id| grams.contains(id));
                        }
                        expected.sort_unstable();

                        let items = all_pages(&catalog, &query, "7").await;

                        let mut seen: Vec<_> = items.iter().map(id).collect();
                        let in_order = |next: &[Value]| match sort {
                            "id" => id(&next[0]) < id(&next[1]),
                            "price_asc" => price(&next[0]) <= price(&next[1]),
                            "price_desc" => price(&next[0]) >= price(&next[1]),
                            "name" => name(&next[0]) <= name(&next[1]),
                            _ => true,
                        };
                        assert!(items.windows(2).all(in_order), "{query:?}: {items:#?}");
                        seen.sort_unstable();
                        assert_eq!(seen, expected, "{query:?}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn names_are_sorted_by_the_alphabet_of_the_language_that_is_asked_for() {
    let catalog = Catalog::empty().await;
    let mut product = crate::admin::pears();
    for (en, ru) in [("banana", "Ёлка"), ("Éclair", "жук"), ("Apple", "Дом"), ("cherry", "«Арбуз»"), ("apple 2", "еда")]
    {
        product["name"] = json!({"en": en, "ru": ru});
        catalog.admin("POST", "/api/products", &product).await;
    }
    let names = async |lang: &str| {
        let page = catalog.listed(&[("sort", "name"), ("lang", lang)]).await;
        let items = page["items"].as_array().expect("items").clone();
        items.iter().filter_map(|item| Some(item["name"][lang].as_str()?.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(names("en").await, ["Apple", "apple 2", "banana", "cherry", "Éclair"]);
    assert_eq!(names("ru").await, ["«Арбуз»", "Дом", "еда", "Ёлка", "жук"]);
}

#[tokio::test]
async fn the_newest_comes_first() {
    let catalog = Catalog::with_products(8).await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.insert(0, id(&catalog.admin("POST", "/api/products", &crate::admin::pears()).await.body));
    }
    assert_eq!(ids(&catalog.listed(&[("sort", "newest"), ("limit", "3")]).await), expected);
    assert_eq!(ids(&catalog.listed(&[("sort", "newest"), ("limit", "3"), ("category", "fruit")]).await), expected);
}

#[tokio::test]
async fn what_is_sold_out_is_in_stock_again_once_it_comes_back() {
    let catalog = Catalog::with_products(8).await;
    let in_stock = async || ids(&catalog.listed(&[("in_stock", "true")]).await);
    catalog.set(3, &json!({"stock": 2})).await;
    let order = shop_types::OrderId::generate();
    assert_eq!(catalog.reserve(order, &[(3, 2)]).await.status, 200);
    assert_eq!(in_stock().await, [1, 2, 4, 5, 6, 7, 8]);
    catalog.release(order).await;
    assert_eq!(in_stock().await, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn prices_are_those_of_this_moment_when_a_sale_begins_and_ends() {
    let catalog = Catalog::with_products(16).await;
    let cheapest = async || ids(&catalog.listed(&[("sort", "price_asc"), ("limit", "1")]).await);
    let below = async || ids(&catalog.listed(&[("max_price", "7")]).await);
    let before = cheapest().await;
    assert_ne!(before, [11]);
    let sale = sale(&catalog, 11, 7).await;
    assert_eq!((cheapest().await, below().await), (vec![11], vec![11]));
    catalog.admin("DELETE", &format!("/api/flash-sales/{sale}"), &Value::Null).await;
    assert_eq!((cheapest().await, below().await), (before, vec![]));
}

#[tokio::test]
async fn a_cursor_goes_on_in_its_own_list_only() {
    let catalog = Catalog::with_products(80).await;
    let first = catalog.listed(&[("q", "g"), ("limit", "2")]).await;
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let plain = catalog.listed(&[("limit", "2")]).await;
    let plain = plain["next_cursor"].as_str().expect("there is more");
    for query in [
        format!("cursor={cursor}"),
        format!("q=gr&cursor={cursor}"),
        format!("q=g&category=fruit&cursor={cursor}"),
        format!("q=g&sort=name&cursor={cursor}"),
        format!("q=g&min_price=1&cursor={cursor}"),
        format!("q=g&in_stock=true&cursor={cursor}"),
        format!("q=g&cursor={plain}"),
        format!("in_stock=true&cursor={plain}"),
    ] {
        let refused = catalog.get(&format!("/api/products?{query}")).await;
        refused.assert_problem(400, "bad-request");
        assert_eq!(refused.body["errors"][0]["field"], "cursor", "{query}");
        let detail = refused.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("belongs to another list"), "{query}: {detail}");
    }
    assert_eq!(
        catalog.listed(&[("q", "g"), ("limit", "3"), ("cursor", cursor)]).await["items"].as_array().map(Vec::len),
        Some(3)
    );
}

#[tokio::test]
async fn what_a_list_can_not_be_asked_for_is_refused_by_name() {
    let catalog = Catalog::with_products(8).await;
    let long = format!("q={}", "x".repeat(101));
    for (query, named) in [
        (&*long, "q"),
        ("q=a%0Ab", "q"),
        ("sort=best", "sort"),
        ("sort=", "sort"),
        ("sort=relevance", "sort"),
        ("lang=de", "lang"),
        ("lang=EN", "lang"),
        ("min_price=-1", "min_price"),
        ("min_price=1.5", "min_price"),
        ("min_price=10000000001", "min_price"),
        ("max_price=99999999999999999999", "max_price"),
        ("max_price=much", "max_price"),
        ("min_price=2&max_price=1", "min_price"),
        ("in_stock=yes", "in_stock"),
        ("in_stock=1", "in_stock"),
        ("category=fruit%27--", "category"),
        ("category=toys", "category"),
        ("q=milk&category=toys", "category"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=4294967297", "limit"),
        ("q=a&q=b", "q"),
        ("limit=1&limit=2", "limit"),
        ("page=2", "page"),
        ("Q=milk", "Q"),
        ("cursor=eyJmIjoxLCJhIjoxfQ", "cursor"),
        ("cursor=%F0%9F%8D%8C", "cursor"),
    ] {
        let refused = catalog.get(&format!("/api/products?{query}")).await;
        assert_eq!(refused.status, 400, "{query}: {refused:?}");
        refused.assert_problem(400, "bad-request");
        let detail = refused.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(named), "{query}: {named} is not in: {detail}");
    }
    for unreadable in ["q=a%00b", "q=%FF%FE", "category=%00"] {
        catalog.get(&format!("/api/products?{unreadable}")).await.assert_problem(400, "bad-request");
    }
    for fine in ["q=", "q=%20", "in_stock=false", "min_price=0&max_price=0", "q=%F0%9F%8D%8C", ""] {
        assert_eq!(catalog.get(&format!("/api/products?{fine}")).await.status, 200, "{fine}");
    }
}

#[tokio::test]
async fn who_has_an_answer_already_is_not_sent_it_again_until_it_changes() {
    let catalog = Catalog::with_products(80).await;
    let again = async |path: &str, etag: &str| {
        let answer = catalog.send(catalog.request("GET", path).header("If-None-Match", etag)).await;
        let cached = answer.header("cache-control") == Some("public, max-age=0, must-revalidate");
        assert!(cached && answer.header("etag").is_some(), "{path}: {answer:?}");
        (answer.status, answer.header("etag").unwrap_or_default().to_owned())
    };
    let paths = [
        "/api/products/9",
        "/api/products?category=fruit&limit=3",
        "/api/products?q=g&sort=price_asc",
        "/api/products/categories/list",
        "/api/bestsellers",
    ];
    let mut tags = Vec::new();
    for path in paths {
        let (status, etag) = again(path, "\"another\"").await;
        assert_eq!(status, 200, "{path}");
        assert_eq!(again(path, &etag).await.0, 304, "{path}");
        assert_eq!(again(path, &format!("\"x\", W/{etag}")).await.0, 304, "{path}");
        let head = catalog.send(catalog.request("HEAD", path)).await;
        assert_eq!((head.status, head.header("etag"), &head.body), (200, Some(&*etag), &Value::Null), "{path}");
        tags.push(etag);
    }
    // A sale begins: the price is another one at once, whatever the version is.
    let sale = sale(&catalog, 9, 7).await;
    let mut on_sale = Vec::new();
    for (path, etag) in paths.iter().zip(&tags).take(2) {
        let (status, now) = again(path, etag).await;
        assert_eq!(status, 200, "{path} after the begin of a sale");
        assert_eq!(again(path, &now).await.0, 304, "{path}");
        on_sale.push(now);
    }
    assert!(on_sale[0].ends_with("-7\""), "{on_sale:?}");
    catalog.admin("DELETE", &format!("/api/flash-sales/{sale}"), &Value::Null).await;
    for (path, etag) in paths.iter().zip(&on_sale) {
        assert_eq!(again(path, etag).await.0, 200, "{path} after the end of a sale");
    }
    // Counted right after the write.
    catalog.admin("POST", "/api/products", &crate::admin::pears()).await;
    assert_eq!(again(paths[3], &tags[3]).await.0, 200, "a category has one more");
}

/// The clock begins and ends a sale, and nobody writes anything at that moment.
#[tokio::test]
async fn the_state_of_a_product_changes_with_the_clock_when_a_sale_begins() {
    let catalog = Catalog::with_products(8).await;
    let etag = async || catalog.get("/api/products?limit=1").await.header("etag").map(str::to_owned);
    let before = etag().await;
    sqlx::query(
        "INSERT INTO flash_sales (id, product_id, price_amount, price_currency, starts_at, ends_at, told)
         VALUES (gen_random_uuid(), 1, 7, 'RUB', now(), now() + interval '1 hour', 'running')",
    )
    .execute(&catalog.pool)
    .await
    .expect("the table is ours");
    assert_ne!(etag().await, before);
}

/// The first fill of the listings takes its time in a large shop, and the shop sells on.
#[tokio::test]
async fn what_changes_while_the_listings_are_filled_for_the_first_time_is_put_right_behind_it() {
    let catalog = Catalog::with_products(8).await;
    // As if the fill had read the products before these changes: no listing was there that they could have changed.
    for change in [
        "DELETE FROM listings",
        "UPDATE products SET stock = 0 WHERE id = 1",
        "UPDATE products SET deleted_at = now() WHERE id = 2",
        "SELECT list_products(ARRAY(SELECT id FROM products))",
        "UPDATE listings SET in_stock = true WHERE product_id = 1",
        "INSERT INTO listings SELECT 2, category, price_amount, in_stock, added, name_en, name_ru, words FROM listings WHERE product_id = 3",
    ] {
        sqlx::query(change).execute(catalog.db.pool()).await.expect("the tables are ours");
    }
    let put_right = include_str!("../../migrations/0012_listings_in_step.sql");
    sqlx::raw_sql(put_right).execute(catalog.db.pool()).await.expect("it can run at any time");
    assert_eq!(ids(&catalog.listed(&[("in_stock", "true")]).await), [3, 4, 5, 6, 7, 8]);
    let listed: Vec<i64> = sqlx::query_scalar("SELECT product_id FROM listings ORDER BY product_id")
        .fetch_all(catalog.db.pool())
        .await
        .expect("the table is ours");
    assert_eq!(listed, [1, 3, 4, 5, 6, 7, 8]);
}
