//! Lower prices for some hours.

use serde_json::{Value, json};
use shop_testkit::eventually;
use shop_types::{FlashSaleId, OrderId};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::support::{Answer, Catalog};

/// So far from now, as a client writes it.
pub(crate) fn from_now(span: Duration) -> String {
    (OffsetDateTime::now_utc() + span).format(&Rfc3339).expect("a year of four digits")
}

pub(crate) fn rub(amount: i64) -> Value {
    json!({"amount": amount, "currency": "RUB"})
}

impl Catalog {
    pub(crate) async fn start_sale(
        &self,
        product: i64,
        amount: i64,
        starts_in: Option<Duration>,
        ends_in: Duration,
    ) -> Answer {
        let mut body = json!({"product_id": product, "price": rub(amount), "ends_at": from_now(ends_in)});
        if let Some(span) = starts_in {
            body["starts_at"] = from_now(span).into();
        }
        self.admin("POST", "/api/flash-sales", &body).await
    }

    /// A sale that runs now, which must work; its id.
    pub(crate) async fn sale(&self, product: i64, amount: i64) -> String {
        let answer = self.start_sale(product, amount, None, Duration::hours(1)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["id"].as_str().expect("it has an id").to_owned()
    }

    pub(crate) async fn stop_sale(&self, sale: &str) -> Answer {
        self.admin("DELETE", &format!("/api/flash-sales/{sale}"), &Value::Null).await
    }

    async fn sales(&self) -> Vec<Value> {
        let answer = self.get("/api/flash-sales").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["items"].as_array().expect("a list").clone()
    }

    async fn price(&self, product: i64) -> i64 {
        self.product(product).await["price"]["amount"].as_i64().expect("a price")
    }

    /// What the product costs where it is sold: on its page, in a list, in a quote and in an order.
    async fn prices(&self, product: i64) -> [i64; 4] {
        let page = self.get("/api/products?limit=100").await;
        let listed = page.body["items"].as_array().expect("a list").iter().find(|item| item["id"] == product).cloned();
        let quote = self.internal("POST", "/internal/products/quote", json!({"product_ids": [product]})).await;
        let order = self.reserve(OrderId::generate(), &[(product, 1)]).await;
        [
            self.product(product).await["price"]["amount"].clone(),
            listed.expect("it is listed")["price"]["amount"].clone(),
            quote.body["products"][0]["price"]["amount"].clone(),
            order.body["lines"][0]["unit_price"]["amount"].clone(),
        ]
        .map(|amount| amount.as_i64().expect("a price"))
    }
}

#[tokio::test]
async fn while_a_sale_runs_its_price_holds_everywhere() {
    let catalog = Catalog::with_products(8).await;
    let regular = catalog.price(1).await;
    assert_eq!(catalog.prices(1).await, [regular; 4]);
    let version = catalog.product(1).await["version"].as_i64();

    let sale = catalog.sale(1, 100).await;

    assert_eq!(catalog.prices(1).await, [100; 4]);
    let product = catalog.product(1).await;
    assert_eq!((&product["sale"]["id"], &product["sale"]["regular_price"]), (&json!(sale), &rub(regular)));
    assert!(product["version"].as_i64() > version, "it is a change of the product");
    let sales = catalog.sales().await;
    assert_eq!((sales.len(), &sales[0]["state"], &sales[0]["name"]), (1, &json!("running"), &product["name"]));
    assert_eq!((&sales[0]["price"], &sales[0]["regular_price"]), (&rub(100), &rub(regular)));

    assert_eq!(catalog.stop_sale(&sale).await.status, 204);

    assert_eq!(catalog.prices(1).await, [regular; 4]);
    assert_eq!(catalog.product(1).await["sale"], json!(null));
    assert_eq!(catalog.sales().await, Vec::<Value>::new());
    catalog.stop_sale(&sale).await.assert_problem(404, "flash-sale-not-found");
    catalog.stop_sale(&FlashSaleId::generate().to_string()).await.assert_problem(404, "flash-sale-not-found");
}

#[tokio::test]
async fn a_sale_begins_and_ends_by_the_clock_and_no_cached_price_outlives_it() {
    let catalog = Catalog::with_products(8).await;
    let regular = catalog.price(1).await;
    let planned = catalog.start_sale(1, 100, Some(Duration::milliseconds(700)), Duration::milliseconds(2_000)).await;
    assert_eq!((planned.status, &planned.body["state"]), (201, &json!("planned")));
    let starts_at =
        OffsetDateTime::parse(planned.body["starts_at"].as_str().expect("a time"), &Rfc3339).expect("a time");
    let ends_at = OffsetDateTime::parse(planned.body["ends_at"].as_str().expect("a time"), &Rfc3339).expect("a time");
    // What a cache may need to notice, and this machine to answer.
    let slack = Duration::milliseconds(250);
    let mut seen = [false; 3];
    while OffsetDateTime::now_utc() < ends_at + slack * 2 {
        let asked = OffsetDateTime::now_utc();
        let price = catalog.price(1).await;
        let answered = OffsetDateTime::now_utc();
        let (want, phase) = match (asked, answered) {
            (_, answered) if answered < starts_at => (regular, 0),
            (asked, answered) if asked > starts_at + slack && answered < ends_at => (100, 1),
            (asked, _) if asked > ends_at + slack => (regular, 2),
            _ => continue,
        };
        assert_eq!(price, want, "asked at {asked}, the sale is from {starts_at} to {ends_at}");
        seen[phase] = true;
    }
    assert_eq!(seen, [true; 3]);
}

#[tokio::test]
async fn a_sale_that_makes_no_sense_is_refused() {
    let catalog = Catalog::with_products(8).await;
    let regular = catalog.price(1).await;
    let hour = Duration::hours(1);
    catalog.start_sale(9, 1, None, hour).await.assert_problem(404, "product-not-found");
    for (amount, starts_in, ends_in, field) in [
        (regular, None, hour, "price"),
        (0, None, hour, "price"),
        (-1, None, hour, "price"),
        (100, None, -hour, "ends_at"),
        (100, Some(hour * 2), hour, "ends_at"),
        (100, Some(-hour), hour, "starts_at"),
        (100, Some(Duration::seconds(-2)), hour, "starts_at"),
        (100, None, Duration::days(31), "ends_at"),
        (100, Some(Duration::days(31)), Duration::days(32), "ends_at"),
    ] {
        let refused = catalog.start_sale(1, amount, starts_in, ends_in).await;
        refused.assert_problem(422, "invalid-input");
        assert!(refused.body["detail"].as_str().is_some_and(|detail| detail.contains(field)), "{refused:?}");
    }
    let body = json!({"product_id": 1, "price": rub(1), "ends_at": "tomorrow"});
    catalog.admin("POST", "/api/flash-sales", &body).await.assert_problem(422, "invalid-input");
    assert_eq!(catalog.sales().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sales_of_a_product_at_the_same_time_there_is_one() {
    let catalog = Catalog::with_products(8).await;
    let hours = |hours| Some(Duration::hours(hours));
    assert_eq!(catalog.start_sale(1, 100, hours(2), Duration::hours(4)).await.status, 201);
    for (starts_in, ends_in) in [(None, 3), (hours(3), 5), (hours(1), 5), (hours(2), 4)] {
        let refused = catalog.start_sale(1, 90, starts_in, Duration::hours(ends_in)).await;
        refused.assert_problem(409, "flash-sale-overlaps");
    }
    assert_eq!(catalog.start_sale(1, 90, hours(5), Duration::hours(6)).await.status, 201);
    assert_eq!(catalog.start_sale(1, 90, None, Duration::hours(1)).await.status, 201);

    let started = futures::future::join_all((0..10).map(|_| catalog.start_sale(2, 90, None, Duration::hours(1)))).await;
    assert_eq!(started.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(started.iter().all(|answer| matches!(answer.status, 201 | 409)));
}

#[tokio::test]
async fn an_administrators_change_during_a_sale_is_one_of_the_regular_price() {
    let catalog = Catalog::with_products(8).await;
    let sale = catalog.sale(1, 100).await;
    let changed = catalog.admin("PATCH", "/api/products/1", &json!({"stock": 3})).await;
    assert_eq!((&changed.body["price"], &changed.body["sale"]["id"]), (&rub(100), &json!(sale)));
    catalog.set(1, &json!({"price": rub(50_000)})).await;
    assert_eq!(catalog.product(1).await["sale"]["regular_price"], rub(50_000));
    assert_eq!(catalog.sales().await[0]["regular_price"], rub(50_000), "the list of sales tells it too");
    // A regular price below that of the sale is the better one.
    catalog.set(1, &json!({"price": rub(60)})).await;
    assert_eq!(catalog.prices(1).await, [60; 4]);
    assert_eq!(catalog.product(1).await["sale"], json!(null));
    catalog.set(1, &json!({"price": rub(70_000)})).await;
    assert_eq!(catalog.prices(1).await, [100; 4]);
    assert_eq!(catalog.stop_sale(&sale).await.status, 204);
    assert_eq!(catalog.prices(1).await, [70_000; 4]);
}

#[tokio::test]
async fn a_product_that_is_deleted_has_no_sale_any_more() {
    let catalog = Catalog::with_products(8).await;
    let sale = catalog.sale(1, 100).await;
    catalog.delete(1).await;
    assert_eq!(catalog.sales().await, Vec::<Value>::new());
    assert_eq!(catalog.stop_sale(&sale).await.status, 204);
}

#[tokio::test]
async fn what_was_reserved_in_a_sale_keeps_its_price_after_it() {
    let catalog = Catalog::with_products(8).await;
    let (sale, order) = (catalog.sale(1, 100).await, OrderId::generate());
    let reserved = catalog.reserve(order, &[(1, 2)]).await;
    assert_eq!(catalog.stop_sale(&sale).await.status, 204);
    let again = catalog.reserve(order, &[(1, 2)]).await;
    assert_eq!((again.status, again.body), (200, reserved.body));
}

#[tokio::test]
async fn the_list_of_sales_is_cached_and_dropped_by_every_change_of_one() {
    let catalog = Catalog::with_products(8).await;
    let other = Catalog::start(catalog.replica().await).await;
    for round in 0..5 {
        eventually("both remember the list", async || {
            let statuses = [catalog.get("/api/flash-sales").await, other.get("/api/flash-sales").await];
            statuses.iter().all(|answer| answer.header("cache-status").is_some_and(|status| status.contains("; hit")))
        })
        .await;
        let sale = catalog.sale(1, 100 + round).await;
        assert_eq!(catalog.sales().await.len(), 1);
        eventually("the other replica lists it", async || other.sales().await.len() == 1).await;
        assert_eq!(other.stop_sale(&sale).await.status, 204);
        assert_eq!(other.sales().await.len(), 0);
        eventually("the other replica lists it no more", async || catalog.sales().await.is_empty()).await;
    }
}
