//! Many who want what is dear at the same time.

use futures::future::join_all;
use shop_testkit::eventually;

use crate::support::{Answer, Catalog};

/// More than may read and wait at a time with the eight connections that the catalog has here.
const CROWD: usize = 60;

/// Of them, so many read and wait: four, and eight for each of these.
const ADMITTED: usize = 36;

#[tokio::test]
async fn a_crowd_of_broad_searches_leaves_room_for_those_who_buy() {
    let catalog = Catalog::with_products(100).await;
    let blocked = async || {
        let sql = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                   WHERE d.datname = current_database() AND l.relation = 'listings'::regclass AND NOT l.granted";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(catalog.db.pool()).await.expect("a number")
    };
    // No search gets on until this ends.
    let mut obstacle = catalog.db.pool().begin().await.expect("begun");
    sqlx::query("LOCK TABLE listings IN ACCESS EXCLUSIVE MODE").execute(&mut *obstacle).await.expect("locked");
    let searches = join_all((0..CROWD).map(async |number| match number % 3 {
        0 => catalog.get("/api/products?q=milk").await,
        1 => catalog.get("/api/products?q=mlik&sort=price_asc").await,
        _ => catalog.get("/api/products?min_price=1&sort=newest").await,
    }));
    let others = async {
        eventually("searches are on their way", async || blocked().await == 4).await;
        for path in ["/api/products?limit=100", "/api/products?category=fruit", "/api/products/1"] {
            assert_eq!(catalog.get(path).await.status, 200, "{path}");
        }
        assert!(blocked().await <= 4, "the other connections are for others");
        obstacle.commit().await.expect("ended");
    };
    let (answers, ()) = tokio::join!(searches, others);
    let turned_away: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!(turned_away.len() >= CROWD - ADMITTED, "{}", turned_away.len());
    let crowded = |answer: &&&Answer| answer.body["type"] == "https://shopkeeper.dev/problems/too-many-searches";
    assert!(turned_away.iter().filter(crowded).count() >= CROWD - ADMITTED);
    for answer in turned_away {
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
    }
    assert_eq!(catalog.get("/api/products?q=milk").await.status, 200);
}
