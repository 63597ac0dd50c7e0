//! How other services hear of ended sessions.

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use reqwest::StatusCode;
use serde_json::Value;
use shop_auth::{AuthState, CurrentUser, Revocations};
use shop_testkit::{ChaosProxy, eventually, spawn};
use tokio_util::sync::CancellationToken;

use crate::support::{Shop, Surroundings, answer, refusal};

#[derive(Clone)]
struct Sibling(AuthState);

impl FromRef<Sibling> for AuthState {
    fn from_ref(sibling: &Sibling) -> Self {
        sibling.0.clone()
    }
}

/// Another service of the shop, that follows the user service as all of them do.
struct Other {
    base: String,
    revocations: Revocations,
    end: CancellationToken,
}

impl Other {
    async fn start(shop: &Shop, user_url: &str) -> Self {
        let auth = shop.keys.auth_state();
        let end = CancellationToken::new();
        tokio::spawn(auth.follow_revocations(Some(user_url), end.clone()).expect("an address"));
        let revocations = auth.revocations().clone();
        let router =
            Router::new().route("/mine", get(|user: CurrentUser| async move { user.name })).with_state(Sibling(auth));
        Self { base: spawn(router).await, revocations, end }
    }

    async fn opens(&self, access: &str) -> bool {
        let request = reqwest::Client::new().get(format!("{}/mine", self.base)).bearer_auth(access);
        request.send().await.expect("an answer").status() == StatusCode::OK
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

async fn log_out(shop: &Shop, access: &str) {
    let response = shop.post("/user-api/logout").bearer_auth(access).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
}

fn since(shop: &Shop, seq: impl std::fmt::Display) -> reqwest::RequestBuilder {
    shop.get(&format!("/internal/revocations?since={seq}")).header("authorization", shop.keys.service_authorization())
}

#[tokio::test]
async fn a_session_that_was_ended_is_refused_by_every_service_and_every_replica_soon() {
    let shop = Shop::open().await;
    let replica = shop.replica(Surroundings::default()).await;
    shop.newcomer("ann").await;
    let (ended, other) = (shop.tokens("ann").await, shop.tokens("ann").await);
    let services = [Other::start(&shop, &shop.base).await, Other::start(&shop, &replica.base).await];
    for service in &services {
        assert!(service.opens(&ended.access).await);
    }
    log_out(&shop, &ended.access).await;
    for service in &services {
        eventually("the service refuses it", async || !service.opens(&ended.access).await).await;
        assert!(service.opens(&other.access).await);
    }
    eventually("the replica refuses it", async || !replica.opens(&ended.access).await).await;
    let late = Other::start(&shop, &shop.base).await;
    eventually("a service that starts later refuses it", async || !late.opens(&ended.access).await).await;
}

#[tokio::test]
async fn what_is_known_stays_in_force_while_the_user_service_is_away_and_the_rest_is_made_up_for() {
    let shop = Shop::open().await;
    shop.newcomer("ann").await;
    let address = shop.base.strip_prefix("http://").expect("http").parse().expect("an address");
    let proxy = ChaosProxy::to(address).await;
    let service = Other::start(&shop, &format!("http://{}", proxy.address())).await;
    let (first, second) = (shop.tokens("ann").await, shop.tokens("ann").await);
    log_out(&shop, &first.access).await;
    eventually("it is refused", async || !service.opens(&first.access).await).await;
    proxy.break_networking();
    log_out(&shop, &second.access).await;
    assert!(!service.opens(&first.access).await);
    assert_eq!(service.revocations.len(), 1);
    proxy.restore_networking();
    eventually("it is made up for", async || !service.opens(&second.access).await).await;
    assert!(!service.opens(&first.access).await);
}

#[tokio::test]
async fn sessions_that_end_at_once_are_all_told_to_who_asks_meanwhile() {
    let shop = Shop::open().await;
    let mut sessions = Vec::new();
    for number in 0..4 {
        let name = format!("user-{number}");
        shop.newcomer(&name).await;
        sessions.push(shop.tokens(&name).await);
    }
    // One transaction that ends a session takes its time to commit: what comes later must not be told before it.
    let mut slow = shop.db.pool().begin().await.expect("a transaction");
    let last: i64 = sqlx::query_scalar("SELECT last FROM revocation_counter FOR UPDATE")
        .fetch_one(&mut *slow)
        .await
        .expect("the counter");
    let seen = tokio::sync::Mutex::new((0, Vec::<Value>::new()));
    let pull = async || {
        let mut seen = seen.lock().await;
        let page = answer(since(&shop, seen.0), StatusCode::OK).await;
        seen.0 = page["seq"].as_i64().expect("a number");
        seen.1.extend(page["revocations"].as_array().expect("a list").iter().cloned());
        seen.1.len()
    };
    let ends = futures::future::join_all(sessions.iter().map(|tokens| log_out(&shop, &tokens.access)));
    let slow_one = async {
        for _ in 0..5 {
            assert_eq!(pull().await, 0, "nobody overtakes");
        }
        sqlx::query("INSERT INTO revocations VALUES ($1, gen_random_uuid(), now() + interval '1 hour')")
            .bind(last + 1)
            .execute(&mut *slow)
            .await
            .expect("written");
        sqlx::query("UPDATE revocation_counter SET last = last + 1").execute(&mut *slow).await.expect("written");
        slow.commit().await.expect("committed");
    };
    tokio::join!(ends, slow_one);
    eventually("all are told", async || pull().await == sessions.len() + 1).await;
}

#[tokio::test]
async fn only_services_hear_of_ended_sessions_page_by_page_and_only_while_it_matters() {
    let shop = Shop::open().await;
    let (_, token) = shop.newcomer("ann").await;
    assert_eq!(refusal(shop.get("/internal/revocations")).await.0, 401);
    assert_eq!(refusal(shop.get("/internal/revocations").bearer_auth(&token)).await.0, 401);
    assert_eq!(refusal(since(&shop, "x")).await.0, 400);
    shop.sql(
        "INSERT INTO revocations SELECT n, gen_random_uuid(), now() + interval '1 hour' FROM generate_series(1, 1001) n",
    )
    .await;
    shop.sql("INSERT INTO revocations VALUES (1002, gen_random_uuid(), now())").await;
    shop.sql("UPDATE revocation_counter SET last = 1002").await;
    let (mut seq, mut told, mut pages) = (0, 0, 0);
    loop {
        let page = answer(since(&shop, seq), StatusCode::OK).await;
        told += page["revocations"].as_array().expect("a list").len();
        seq = page["seq"].as_i64().expect("a number");
        pages += 1;
        if page["more"] == false {
            break;
        }
    }
    assert_eq!((told, seq, pages), (1001, 1002, 3));
}
