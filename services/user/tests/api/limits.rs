//! Limits hold over all replicas: each test asks two by turns.

use futures::future::join_all;
use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret as _;
use shop_testkit::{TestDb, TestRedis, problem};
use shop_user::{MIGRATOR, SCHEMA};

use crate::support::{Shop, Surroundings, Tokens};

/// Asked at a time.
const AT_ONCE: usize = 50;

async fn replicas(redis: &TestRedis) -> [Shop; 2] {
    let surroundings =
        || Surroundings { redis_url: Some(redis.url().expose_secret().to_owned()), ..Surroundings::default() };
    let one = Shop::with(TestDb::new(&MIGRATOR, SCHEMA).await, surroundings()).await;
    let other = one.replica(surroundings()).await;
    [one, other]
}

/// Asks until there is an answer with this status, but no more often than this; how many others there were, and that answer.
async fn until_limited(most: usize, ask: impl Fn(usize) -> RequestBuilder) -> (usize, Response) {
    let mut answered = 0;
    while answered < most {
        let answers = join_all((answered..answered + AT_ONCE).map(|number| ask(number).send())).await;
        let answers = answers.into_iter().map(|answer| answer.expect("an answer"));
        let (mut limited, others): (Vec<_>, Vec<_>) =
            answers.partition(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS);
        answered += others.len();
        if let Some(limited) = limited.pop() {
            return (answered, limited);
        }
    }
    panic!("{answered} were let through");
}

async fn assert_limited(limited: Response, slug: &str) {
    let seconds: u64 = limited.headers()["retry-after"].to_str().expect("text").parse().expect("a number");
    assert!((1..=10).contains(&seconds), "{seconds}");
    assert_eq!(problem(limited).await.slug(), Some(slug));
}

#[tokio::test]
async fn one_address_does_not_try_refresh_tokens_without_end() {
    let redis = TestRedis::start().await;
    let shops = replicas(&redis).await;
    let nobodys = "A".repeat(43);
    let (before, limited) = until_limited(20_000, |number| shops[number % 2].refresh(&nobodys)).await;
    assert!(before >= 600, "a crowd behind one router is let through: {before}");
    assert_limited(limited, "too-many-refreshes").await;
    assert!((shops[0].metric(r#"user_refreshes_total{outcome="rejected"}"#).await) > 0.0);
}

#[tokio::test]
async fn one_session_does_not_get_new_tokens_without_end_and_another_is_not_held_up_by_it() {
    let redis = TestRedis::start().await;
    let shops = replicas(&redis).await;
    shops[0].newcomer("ann").await;
    let (mut greedy, other) = (shops[0].tokens("ann").await, shops[0].tokens("ann").await);
    let mut refreshed = 0;
    let limited = loop {
        let answer = shops[refreshed % 2].refresh(&greedy.refresh).send().await.expect("an answer");
        if answer.status() != StatusCode::OK {
            break answer;
        }
        greedy = Tokens::of(&answer.json().await.expect("JSON"));
        refreshed += 1;
        assert!(refreshed < 500, "it goes on and on");
    };
    assert!(refreshed >= 30, "{refreshed}");
    assert_limited(limited, "too-many-refreshes").await;
    shops[0].refreshed(&other).await;
}

#[tokio::test]
async fn one_address_does_not_register_without_end_nor_ask_which_names_are_taken() {
    let redis = TestRedis::start().await;
    let shops = replicas(&redis).await;
    shops[0].newcomer("ann").await;
    let (before, limited) = until_limited(5_000, |number| shops[number % 2].register("ann", "correct horse")).await;
    assert!(before >= 599, "a crowd behind one router is let through: {before}");
    assert_limited(limited, "too-many-registrations").await;
    let answer = shops[0].login("ann", "correct horse").send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK, "who has an account is not held up");
}
