//! What becomes of the stock of orders that are called off: with the real catalog.

use std::time::Duration;

use serde_json::{Value, json};
use shop_cache::LivePolicies;
use shop_order::jobs::relay;
use shop_runtime::client::Sibling;
use shop_runtime::metrics;
use shop_runtime::redis::Redis;
use shop_testkit::TestDb;
use shop_types::{OrderId, UserId};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::notices::{listeners, noting_catalog};
use crate::support::{NEVER, Service};

/// A catalog with eight products, a hundred pieces of each; where it listens.
async fn catalog(service: &Service) -> (TestDb, String) {
    let db = TestDb::new(&shop_catalog::MIGRATOR, shop_catalog::NAME).await;
    shop_catalog::seed::run(db.pool(), 8).await.expect("the seed works");
    sqlx::query("UPDATE products SET stock = 100").execute(db.pool()).await.expect("the stock can be set");
    let parts = shop_catalog::app::Parts {
        db: db.pool().clone(),
        redis: Redis::absent(),
        redis_url: None,
        policies: LivePolicies::defaults(),
        shop: "shop".to_owned(),
        demo: false,
        auth: service.keys.auth_state(),
        reservation_lifetime: Duration::from_secs(86_400),
        sockets: shop_catalog::sockets::SocketLimits::default(),
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
    };
    let state = shop_catalog::app::AppState::new(parts, &metrics::registry()).expect("a fresh registry");
    let url = shop_testkit::spawn(shop_catalog::routes::router(state)).await;
    (db, url)
}

async fn number(db: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.expect("the query is right")
}

const TAKEN: &str = "SELECT sum(100 - stock)::bigint FROM products";
const SOLD: &str = "SELECT count(*) FROM sales";

#[tokio::test]
async fn a_cancelled_orders_stock_goes_back_once_and_it_counts_as_sold_no_more_whichever_event_comes_first() {
    let service = Service::new(NEVER).await;
    let (db, url) = catalog(&service).await;
    let token = service.keys.service_token().into();
    let stock = Sibling::new("catalog", &url, &token, Duration::from_secs(5)).expect("the URL is right");
    // The user service takes everything, as does this.
    let (_told, users) = noting_catalog().await;
    let to = listeners(&service, &users, &url);
    for placed_comes_first in [true, false] {
        // As the cart does at checkout.
        let (id, user) = (OrderId::generate(), UserId::generate());
        let wanted = json!({"lines": [{"product_id": 1, "quantity": 2}, {"product_id": 3, "quantity": 1}]});
        let path = format!("/internal/reservations/{id}");
        let reserved: Value = stock.put(&path, &wanted).await.expect("there is enough");
        let () = stock.post(&format!("{path}/commit"), &()).await.expect("it is held");
        let amounts = reserved["lines"].as_array().expect("lines").iter();
        let amounts = amounts.map(|line| Some(line["unit_price"]["amount"].as_i64()? * line["quantity"].as_i64()?));
        let total: i64 = amounts.map(|amount| amount.expect("a price")).sum();
        let order = json!({"user_id": user, "lines": reserved["lines"], "total": {"amount": total, "currency": "RUB"}});
        assert_eq!(service.put(id, &order).await.status, 201);
        assert_eq!(number(db.pool(), TAKEN).await, 3);

        if placed_comes_first {
            service.deliver_all(&to).await;
            assert_eq!(number(db.pool(), SOLD).await, 2);
        } else {
            let later = "UPDATE outbox SET next_attempt_at = now() + interval '1 hour'";
            sqlx::query(later).execute(&service.pool).await.expect("it can be put off");
        }
        assert_eq!(service.cancel(id, user).await.status, 200);
        // Each event arrives twice, as when an answer is lost.
        let twice = async |event: shop_outbox::Event| {
            relay::deliver(to.clone(), event.clone()).await?;
            relay::deliver(to.clone(), event).await
        };
        while service.relay().deliver_due(&twice).await.expect("the database is there") > 0 {}
        assert_eq!(number(db.pool(), TAKEN).await, 0, "everything is back, once");
        sqlx::query("UPDATE outbox SET next_attempt_at = now()").execute(&service.pool).await.expect("time passes");
        while service.relay().deliver_due(&twice).await.expect("the database is there") > 0 {}
        assert_eq!(service.count("SELECT count(*) FROM outbox").await, 0);
        assert_eq!(number(db.pool(), SOLD).await, 0, "placed first: {placed_comes_first}");
        // The checkout was cut off before it heard that the order was made, and asks again.
        assert_eq!(service.put(id, &order).await.status, 200);
        service.deliver_all(&to).await;
        assert_eq!((number(db.pool(), TAKEN).await, number(db.pool(), SOLD).await), (0, 0));
    }
}
