//! The database lost in the middle of a commit: the caller can't be told what became of it, so a retry has to be right either way.

use reqwest::StatusCode;
use shop_testkit::{ChaosProxy, TestDb, eventually};
use shop_user::{MIGRATOR, SCHEMA};
use sqlx::{Connection as _, PgConnection};

use crate::support::{Shop, Surroundings, Tokens, answer, refusal};

/// A shop whose database can be cut off.
async fn shop() -> (Shop, ChaosProxy) {
    let db = TestDb::new(&MIGRATOR, SCHEMA).await;
    let proxy = ChaosProxy::to(db.address()).await;
    let surroundings = Surroundings { database_proxy: Some(proxy.address()), ..Surroundings::default() };
    (Shop::with(db, surroundings).await, proxy)
}

/// Waits until a statement of the service waits for a lock, that is: until it has arrived and has not been answered.
async fn until_one_waits(shop: &Shop) {
    eventually("a statement waits", async || {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_one(shop.db.pool())
        .await
        .expect("they can be counted");
        waiting > 0
    })
    .await;
}

async fn is_back(shop: &Shop) {
    eventually("the service has its database again", async || {
        shop.login("nobody-of-this-name", "x").send().await.expect("an answer").status() == StatusCode::UNAUTHORIZED
    })
    .await;
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_can_be_repeated_and_gets_the_same_successor() {
    let (shop, proxy) = shop().await;
    shop.newcomer("ann").await;
    let tokens = shop.tokens("ann").await;
    let mut holder: PgConnection = shop.db.pool().acquire().await.expect("a connection").detach();
    let mut holding = holder.begin().await.expect("a transaction");
    sqlx::query("SELECT FROM sessions FOR UPDATE").execute(&mut *holding).await.expect("locked");

    let refresh = tokio::spawn(shop.refresh(&tokens.refresh).send());
    until_one_waits(&shop).await;
    proxy.break_networking();
    let lost = refresh.await.expect("no panic").expect("an answer");
    assert_eq!(lost.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(lost.headers().contains_key("retry-after"));
    holding.rollback().await.expect("unlocked");
    eventually("the database has carried it out", async || {
        let rotated: i64 = sqlx::query_scalar("SELECT count(*) FROM sessions WHERE generation = 1")
            .fetch_one(shop.db.pool())
            .await
            .expect("it can be read");
        rotated == 1
    })
    .await;

    proxy.restore_networking();
    is_back(&shop).await;
    let retried = shop.refreshed(&tokens).await;
    assert!(shop.opens(&retried.access).await);
    let next = shop.refreshed(&retried).await;
    assert!(shop.opens(&next.access).await, "the session goes on");
}

#[tokio::test]
async fn a_registration_whose_answer_was_lost_leaves_one_user_who_can_log_in() {
    let (shop, proxy) = shop().await;
    let mut holder: PgConnection = shop.db.pool().acquire().await.expect("a connection").detach();
    let mut holding = holder.begin().await.expect("a transaction");
    // Somebody else is about to have the name, and then changes their mind.
    sqlx::query(
        "INSERT INTO users (id, username, full_name, role, password_hash)
         VALUES (gen_random_uuid(), 'Ann', 'Ann', 'user', '-')",
    )
    .execute(&mut *holding)
    .await
    .expect("written");

    let register = tokio::spawn(shop.register("ann", "correct horse").send());
    until_one_waits(&shop).await;
    proxy.break_networking();
    let lost = register.await.expect("no panic").expect("an answer");
    assert_eq!(lost.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(lost.headers().contains_key("retry-after"));
    holding.rollback().await.expect("unlocked");

    proxy.restore_networking();
    is_back(&shop).await;
    eventually("it is there", async || {
        shop.login("ann", "correct horse").send().await.expect("an answer").status() == StatusCode::OK
    })
    .await;
    assert_eq!(refusal(shop.register("ann", "correct horse")).await, (409, "username-taken".into()));
    let users: i64 =
        sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(shop.db.pool()).await.expect("they can be counted");
    assert_eq!(users, 1);
}

#[tokio::test]
async fn a_registration_that_never_arrived_can_be_repeated() {
    let (shop, proxy) = shop().await;
    proxy.break_networking();
    let lost = shop.register("ann", "correct horse").send().await.expect("an answer");
    assert_eq!(lost.status(), StatusCode::SERVICE_UNAVAILABLE);
    proxy.restore_networking();
    is_back(&shop).await;
    answer(shop.register("ann", "correct horse"), StatusCode::CREATED).await;
    let tokens: Tokens = shop.tokens("ann").await;
    assert!(shop.opens(&tokens.access).await);
}

#[tokio::test]
async fn a_logout_whose_answer_was_lost_can_be_repeated_until_the_session_is_over() {
    let (shop, proxy) = shop().await;
    shop.newcomer("ann").await;
    let tokens = shop.tokens("ann").await;
    let mut holder: PgConnection = shop.db.pool().acquire().await.expect("a connection").detach();
    let mut holding = holder.begin().await.expect("a transaction");
    sqlx::query("SELECT FROM revocation_counter FOR UPDATE").execute(&mut *holding).await.expect("locked");
    let log_out = || shop.post("/user-api/logout").bearer_auth(&tokens.access);
    let first = tokio::spawn(log_out().send());
    until_one_waits(&shop).await;
    proxy.break_networking();
    assert_eq!(first.await.expect("no panic").expect("an answer").status(), StatusCode::SERVICE_UNAVAILABLE);
    holding.rollback().await.expect("unlocked");
    proxy.restore_networking();
    is_back(&shop).await;
    let again = log_out().send().await.expect("an answer").status();
    assert!([StatusCode::NO_CONTENT, StatusCode::UNAUTHORIZED].contains(&again), "{again}");
    assert!(!shop.opens(&tokens.access).await);
    assert_eq!(refusal(shop.refresh(&tokens.refresh)).await, (401, "refresh-token-invalid".into()));
}
