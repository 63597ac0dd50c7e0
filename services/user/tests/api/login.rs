use reqwest::StatusCode;
use shop_testkit::{ChaosProxy, TestDb, TestRedis, problem};
use shop_user::{MIGRATOR, SCHEMA};

use crate::support::{Shop, Surroundings, answer, refusal};

#[tokio::test]
async fn a_token_carries_the_user_and_ends_after_a_quarter_of_an_hour() {
    let shop = Shop::open().await;
    let (user, _) = shop.newcomer("ann").await;
    let token = answer(shop.login("ANN", "correct horse"), StatusCode::OK).await;
    assert_eq!((&token["token_type"], &token["expires_in"]), (&"bearer".into(), &900.into()));
    let token = token["access_token"].as_str().expect("a token");
    let claims = shop.keys.auth_state().verifier().verify(token).expect("it is good");
    assert_eq!((claims.sub.to_string(), claims.name), (user["id"].as_str().expect("an id").into(), "Ann Brown".into()));
    assert_eq!(claims.exp - claims.iat, 900);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    let shop = Shop::open().await;
    shop.newcomer("ann").await;
    let wrong = problem(shop.login("ann", "wrong horse").send().await.expect("an answer")).await;
    let unknown = problem(shop.login("nobody", "wrong horse").send().await.expect("an answer")).await;
    assert_eq!((wrong.status, wrong.slug()), (401, Some("bad-credentials")));
    assert_eq!(
        (wrong.status, wrong.kind, wrong.title, wrong.detail),
        (unknown.status, unknown.kind, unknown.title, unknown.detail)
    );
    assert!((shop.metric(r#"user_logins_total{outcome="rejected"}"#).await - 2.0).abs() < f64::EPSILON);
    assert_eq!(refusal(shop.login("ann", &"x".repeat(129))).await, (401, "bad-credentials".into()));
}

#[tokio::test]
async fn guessing_is_slowed_down_for_one_name_and_nobody_else_also_over_replicas() {
    let redis = TestRedis::start().await;
    let surroundings = || Surroundings { redis_url: Some(url(&redis)), ..Surroundings::default() };
    let one = Shop::with(TestDb::new(&MIGRATOR, SCHEMA).await, surroundings()).await;
    let other = Shop::with(TestDb::new(&MIGRATOR, SCHEMA).await, surroundings()).await;
    guess(&one, 15).await;
    let limited = guess(&other, 15).await.expect("twenty are let through, then few");
    assert_eq!(limited.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds: u32 = limited.headers()["retry-after"].to_str().expect("text").parse().expect("a number");
    assert!((1..=3).contains(&seconds));
    assert_eq!(problem(limited).await.slug(), Some("too-many-logins"));
    assert_eq!(refusal(one.login("somebody-else", "x")).await.0, 401);
}

#[tokio::test]
async fn logins_work_and_stay_limited_while_redis_is_away() {
    let redis = TestRedis::start().await;
    let proxy = ChaosProxy::to(redis.address()).await;
    let redis_url = Some(format!("redis://{}", proxy.address()));
    let db = TestDb::new(&MIGRATOR, SCHEMA).await;
    let shop = Shop::with(db, Surroundings { redis_url, ..Surroundings::default() }).await;
    proxy.break_networking();
    shop.newcomer("ann").await;
    proxy.silence();
    answer(shop.login("ann", "correct horse"), StatusCode::OK).await;
    guess(&shop, 40).await.expect("each process limits by itself");
}

fn url(redis: &TestRedis) -> String {
    secrecy::ExposeSecret::expose_secret(&redis.url()).to_owned()
}

/// Logs in with a wrong password so many times, all at once; the answer to one that was turned away.
async fn guess(shop: &Shop, times: usize) -> Option<reqwest::Response> {
    // A password that is too long is refused before it is counted, so these are short, and cheap only for the guesser.
    let guesses: Vec<_> = (0..times).map(|_| tokio::spawn(shop.login("guessed", "wrong").send())).collect();
    let mut limited = None;
    for guess in guesses {
        let response = guess.await.expect("no panic").expect("an answer");
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            limited = Some(response);
        }
    }
    limited
}
