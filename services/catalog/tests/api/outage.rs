//! The database goes away and comes back.

use std::time::Duration;

use shop_catalog::NAME;
use shop_runtime::db::DbConfig;
use shop_testkit::{ChaosProxy, eventually};
use shop_types::OrderId;

use crate::support::{Catalog, Setup};

/// A catalog with eight products whose database can be taken away.
async fn behind_a_proxy() -> (ChaosProxy, Catalog) {
    let setup = Setup::new().await;
    let proxy = ChaosProxy::to(setup.db.address()).await;
    let url = setup.db.url_by(proxy.address());
    let config = DbConfig { acquire_timeout: Duration::from_millis(300), ..DbConfig::new(url, NAME, NAME) };
    (proxy, Catalog::start(Setup { config, ..setup }).await.filled(8).await)
}

#[tokio::test]
async fn without_its_database_the_catalog_says_so_and_recovers_by_itself() {
    let (proxy, catalog) = behind_a_proxy().await;
    assert_eq!(catalog.get("/api/products/1").await.status, 200);

    proxy.break_networking();

    // Product 1 may still be had from the cache; nobody has asked for product 2 yet.
    for path in ["/api/products/2", "/api/products?category=fruit", "/api/products/categories/list"] {
        let answer = catalog.get(path).await;
        answer.assert_problem(503, "database-unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(!answer.body.to_string().contains("sqlx"), "{answer:?}");
    }
    catalog.reserve(OrderId::generate(), &[(1, 1)]).await.assert_problem(503, "database-unavailable");
    assert_eq!(catalog.get("/api/system/health").await.status, 200, "the process itself is well");

    proxy.restore_networking();

    eventually("the catalog answers again", async || catalog.get("/api/products/2").await.status == 200).await;
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_reserved_once_by_its_retry() {
    let (proxy, catalog) = behind_a_proxy().await;
    let (stock, order) = (catalog.stock(1).await, OrderId::generate());

    // The first tries are cut at whatever point they have come to.
    for pause in 0..10 {
        let cut = async {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            proxy.break_networking();
        };
        tokio::join!(catalog.reserve(order, &[(1, 2)]), cut);
        proxy.restore_networking();
    }

    eventually("the retry succeeds", async || catalog.reserve(order, &[(1, 2)]).await.status == 200).await;
    assert_eq!(catalog.stock(1).await, stock - 2);
}

#[tokio::test]
async fn a_commit_and_a_release_whose_answers_were_lost_count_once_with_their_retries() {
    let (proxy, catalog) = behind_a_proxy().await;
    let stock = catalog.stock(1).await;
    let [sold, cancelled] = [OrderId::generate(), OrderId::generate()];
    for order in [sold, cancelled] {
        eventually("it is reserved", async || catalog.reserve(order, &[(1, 3)]).await.status == 200).await;
    }
    // The tries are cut at whatever point they have come to, before and after their commit.
    for pause in 0..12 {
        let cut = async {
            tokio::time::sleep(Duration::from_micros(pause * 700)).await;
            proxy.break_networking();
        };
        let (committed, released, ()) = tokio::join!(catalog.commit(sold), catalog.release(cancelled), cut);
        for answer in [committed, released] {
            if answer.status != 204 {
                answer.assert_problem(503, "database-unavailable");
            }
        }
        proxy.restore_networking();
    }
    eventually("the commit is answered", async || catalog.commit(sold).await.status == 204).await;
    eventually("the release is answered", async || catalog.release(cancelled).await.status == 204).await;
    let (left, noted): (i64, i64) = sqlx::query_as(
        "SELECT stock::bigint, (SELECT count(*) FROM reservations WHERE state <> 'held') FROM products WHERE id = 1",
    )
    .fetch_one(catalog.db.pool())
    .await
    .expect("this way is not cut");
    assert_eq!((left, noted), (stock - 3, 2));
    catalog.reserve(cancelled, &[(1, 3)]).await.assert_problem(409, "reservation-released");
}
