//! The cache of users: who changes a name sees the new one at once, whichever replica answers.

use futures::future::join_all;
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shop_testkit::{ChaosProxy, TestDb, TestRedis, eventually};
use shop_user::{MIGRATOR, SCHEMA};

use crate::support::{Shop, Surroundings, answer, refusal};

const ME: &str = "/user-api/users/me";

async fn with_redis() -> Surroundings {
    let url = TestRedis::shared().await.url();
    Surroundings { redis_url: Some(url.expose_secret().to_owned()), ..Surroundings::default() }
}

/// Two processes of one service, and another that has no Redis and so tells what the database has.
async fn shops() -> (Shop, Shop, Shop) {
    let one = Shop::with(TestDb::new(&MIGRATOR, SCHEMA).await, with_redis().await).await;
    let two = one.replica(with_redis().await).await;
    let plain = one.replica(Surroundings::default()).await;
    (one, two, plain)
}

async fn rename(shop: &Shop, token: &str, name: &str) -> Value {
    let request = shop.request(Method::PATCH, ME).bearer_auth(token).json(&json!({"full_name": name}));
    answer(request, StatusCode::OK).await
}

/// Who the token's user is, and whether a cache said so.
async fn me(shop: &Shop, token: &str) -> (Value, bool) {
    let response = shop.get(ME).bearer_auth(token).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let status = response.headers()["cache-status"].to_str().expect("text").to_owned();
    (response.json().await.expect("JSON"), status.starts_with("userProfile; hit"))
}

async fn waiting(shop: &Shop) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(shop.db.pool()).await.expect("events can be counted")
}

#[tokio::test]
async fn a_new_name_is_read_at_once_from_the_cache_through_another_replica() {
    let (one, two, plain) = shops().await;
    let (user, token) = one.newcomer("ann").await;
    assert_eq!(me(&one, &token).await, (user.clone(), false));
    assert_eq!(me(&two, &token).await, (user.clone(), true));
    let renamed = rename(&one, &token, "Ann Green").await;
    assert_eq!(renamed["full_name"], "Ann Green");
    assert_eq!(me(&two, &token).await, (renamed.clone(), true));
    assert_eq!(me(&plain, &token).await, (renamed.clone(), false));
    let profile = two.get("/user-api/users/me/profile").bearer_auth(&token).send().await.expect("an answer");
    assert!(profile.headers()["cache-status"].to_str().expect("text").starts_with("userProfile; hit"));
    assert_eq!(profile.json::<Value>().await.expect("JSON")["user"], renamed);
}

#[tokio::test]
async fn nothing_that_is_cached_has_to_do_with_the_password() {
    let redis = TestRedis::start().await;
    let surroundings = Surroundings { redis_url: Some(redis.url().expose_secret().to_owned()), ..Default::default() };
    let shop = Shop::with(TestDb::new(&MIGRATOR, SCHEMA).await, surroundings).await;
    let (_, token) = shop.newcomer("ann").await;
    rename(&shop, &token, "Ann Green").await;
    let hits = redis.command("EVAL \"local all='' for _, key in ipairs(redis.call('KEYS', '*userProfile*')) do local kind = redis.call('TYPE', key).ok if kind == 'hash' then all = all .. table.concat(redis.call('HGETALL', key), ' ') elseif kind == 'string' then all = all .. redis.call('GET', key) end end return all\" 0").await;
    assert!(hits.contains("Ann Green"), "{hits}");
    assert!(!hits.contains("argon2") && !hits.contains("password"), "{hits}");
}

#[tokio::test]
async fn names_that_two_replicas_give_at_once_never_leave_an_older_one_in_the_cache() {
    let (one, two, plain) = shops().await;
    let (_, token) = one.newcomer("ann").await;
    let renames = (0..30).map(async |number: usize| {
        let (writer, reader) = if number.is_multiple_of(2) { (&one, &two) } else { (&two, &one) };
        rename(writer, &token, &format!("Ann {number}")).await;
        me(reader, &token).await;
    });
    join_all(renames).await;
    let (truth, _) = me(&plain, &token).await;
    for shop in [&one, &two] {
        assert_eq!(me(shop, &token).await.0, truth);
        assert_eq!(me(shop, &token).await, (truth.clone(), true));
    }
}

#[tokio::test]
async fn a_name_that_changed_while_redis_was_away_is_made_up_for_when_it_is_back() {
    let proxy = ChaosProxy::to(TestRedis::shared().await.address()).await;
    let url = TestRedis::url_by(proxy.address()).expose_secret().to_owned();
    let surroundings = Surroundings { redis_url: Some(url), ..Surroundings::default() };
    let shop = Shop::with(TestDb::new(&MIGRATOR, SCHEMA).await, surroundings).await;
    let (_, token) = shop.newcomer("ann").await;
    rename(&shop, &token, "Ann Green").await;
    assert!(me(&shop, &token).await.1);
    proxy.break_networking();
    let renamed = rename(&shop, &token, "Ann White").await;
    assert_eq!(me(&shop, &token).await, (renamed.clone(), false));
    assert_eq!(waiting(&shop).await, 1);
    proxy.restore_networking();
    eventually("Redis was told", async || waiting(&shop).await == 0).await;
    assert_eq!(me(&shop, &token).await.0, renamed);
    eventually("it is cached again", async || me(&shop, &token).await.1).await;
    assert_eq!(me(&shop, &token).await.0, renamed);
}

#[tokio::test]
async fn a_name_that_breaks_a_rule_changes_nothing() {
    let (one, _, _) = shops().await;
    let (user, token) = one.newcomer("ann").await;
    let patch = |body: Value| one.request(Method::PATCH, ME).bearer_auth(&token).json(&body);
    let invalid = (422, "invalid-input".to_owned());
    assert_eq!(refusal(patch(json!({"full_name": ""}))).await, invalid);
    assert_eq!(refusal(patch(json!({"full_name": "x".repeat(101)}))).await, invalid);
    assert_eq!(refusal(patch(json!({"role": "admin"}))).await, invalid);
    assert_eq!(answer(patch(json!({})), StatusCode::OK).await, user);
    assert_eq!(me(&one, &token).await.0, user);
}

#[tokio::test]
async fn every_pod_says_which_policies_it_has() {
    let (one, ..) = shops().await;
    let acknowledged = answer(one.ops("/cache/policy"), StatusCode::OK).await;
    assert_eq!(acknowledged["generation"], 0);
    assert!(acknowledged["hash"].is_string(), "{acknowledged}");
}
