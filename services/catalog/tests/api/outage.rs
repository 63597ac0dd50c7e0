//! The database goes away and comes back.

use std::time::Duration;

use shop_catalog::{MIGRATOR, NAME, seed};
use shop_runtime::db::DbConfig;
use shop_testkit::{ChaosProxy, TestDb, eventually};
use shop_types::OrderId;

use crate::support::Catalog;

async fn behind(proxy: &ChaosProxy, db: TestDb) -> Catalog {
    let url = db.url_by(proxy.address());
    let config = DbConfig { acquire_timeout: Duration::from_millis(300), ..DbConfig::new(url, NAME, NAME) };
    let catalog = Catalog::over(db, config, Duration::from_secs(3600)).await;
    seed::run(catalog.db.pool(), 8).await.expect("the seed works");
    catalog
}

#[tokio::test]
async fn without_its_database_the_catalog_says_so_and_recovers_by_itself() {
    let db = TestDb::new(&MIGRATOR, NAME).await;
    let proxy = ChaosProxy::to(db.address()).await;
    let catalog = behind(&proxy, db).await;
    assert_eq!(catalog.get("/api/products/1").await.status, 200);

    proxy.break_networking();

    for path in ["/api/products/1", "/api/products?category=fruit", "/api/products/categories/list"] {
        let answer = catalog.get(path).await;
        answer.assert_problem(503, "database-unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(!answer.body.to_string().contains("sqlx"), "{answer:?}");
    }
    catalog.reserve(OrderId::generate(), &[(1, 1)]).await.assert_problem(503, "database-unavailable");
    assert_eq!(catalog.get("/api/system/health").await.status, 200, "the process itself is well");

    proxy.restore_networking();

    eventually("the catalog answers again", async || catalog.get("/api/products/1").await.status == 200).await;
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_reserved_once_by_its_retry() {
    let db = TestDb::new(&MIGRATOR, NAME).await;
    let proxy = ChaosProxy::to(db.address()).await;
    let catalog = behind(&proxy, db).await;
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
