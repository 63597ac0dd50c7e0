use reqwest::StatusCode;
use shop_testkit::{ChaosProxy, TestDb, eventually, problem};
use shop_user::{MIGRATOR, SCHEMA};

use crate::support::{Shop, Surroundings, answer};

async fn ready(shop: &Shop) -> StatusCode {
    shop.ops("/readyz").send().await.expect("an answer").status()
}

#[tokio::test]
async fn while_the_database_is_away_the_service_lives_says_so_and_recovers_by_itself() {
    let db = TestDb::new(&MIGRATOR, SCHEMA).await;
    let proxy = ChaosProxy::to(db.address()).await;
    let surroundings = Surroundings { database_proxy: Some(proxy.address()), ..Surroundings::default() };
    let shop = Shop::with(db, surroundings).await;
    let (_, token) = shop.newcomer("ann").await;
    eventually("it is ready", async || ready(&shop).await == StatusCode::OK).await;

    for silent in [false, true] {
        if silent {
            proxy.silence();
        } else {
            proxy.break_networking();
        }
        eventually("it is not ready", async || ready(&shop).await == StatusCode::SERVICE_UNAVAILABLE).await;
        let alive = shop.ops("/livez").send().await.expect("an answer").status();
        assert_eq!(alive, StatusCode::OK, "it lives on");
        let refused = shop.get("/user-api/users/me").bearer_auth(&token).send().await.expect("an answer");
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.headers().contains_key("retry-after"));
        let kind = problem(refused).await;
        assert!(matches!(kind.slug(), Some("database-unavailable" | "timeout")), "{kind:?}");

        proxy.restore_networking();
        eventually("it is ready again", async || ready(&shop).await == StatusCode::OK).await;
        let me = || shop.get("/user-api/users/me").bearer_auth(&token);
        eventually("it answers again", async || me().send().await.expect("an answer").status() == StatusCode::OK).await;
    }
}

#[tokio::test]
async fn a_service_starts_without_its_database() {
    let db = TestDb::new(&MIGRATOR, SCHEMA).await;
    let proxy = ChaosProxy::to(db.address()).await;
    proxy.break_networking();
    let surroundings = Surroundings { database_proxy: Some(proxy.address()), ..Surroundings::default() };
    let shop = Shop::with(db, surroundings).await;
    answer(shop.get("/user-api/health"), StatusCode::OK).await;
    assert_eq!(ready(&shop).await, StatusCode::SERVICE_UNAVAILABLE);
    proxy.restore_networking();
    eventually("it is ready", async || ready(&shop).await == StatusCode::OK).await;
}
