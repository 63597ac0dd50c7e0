use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::json;
use shop_auth::Claims;

use crate::support::{Shop, Surroundings, Tokens, answer, refusal};

fn invalid() -> (u16, String) {
    (401, "refresh-token-invalid".to_owned())
}

fn reused() -> (u16, String) {
    (401, "refresh-token-reused".to_owned())
}

fn claims(shop: &Shop, access: &str) -> Claims {
    shop.keys.auth_state().verifier().verify(access).expect("it is good")
}

/// As if the last refresh were as long ago as a thief may need.
async fn let_the_grace_pass(shop: &Shop) {
    shop.sql("UPDATE sessions SET rotated_at = rotated_at - interval '31 seconds'").await;
}

#[tokio::test]
async fn a_refresh_token_is_good_for_the_next_tokens_of_the_same_session() {
    let shop = Shop::open().await;
    shop.newcomer("ann").await;
    let login = answer(shop.login("ann", "correct horse"), StatusCode::OK).await;
    assert_eq!(login["expires_in"], 900);
    let days = login["refresh_expires_in"].as_u64().expect("seconds");
    assert!((604_700..=604_800).contains(&days), "{days}");
    let first = Tokens::of(&login);
    let second = shop.refreshed(&first).await;
    let third = shop.refreshed(&second).await;
    assert!(first.refresh != second.refresh && second.refresh != third.refresh);
    assert_eq!(claims(&shop, &first.access).sid, claims(&shop, &third.access).sid);
    assert!(shop.opens(&first.access).await && shop.opens(&third.access).await);
    assert_ne!(claims(&shop, &shop.tokens("ann").await.access).sid, claims(&shop, &first.access).sid);
}

#[tokio::test]
async fn refresh_tokens_are_not_kept() {
    let shop = Shop::open().await;
    shop.newcomer("ann").await;
    let tokens = shop.tokens("ann").await;
    let kept: String = sqlx::query_scalar(
        "SELECT string_agg(sessions::text || refresh_tokens::text, ' ')
           FROM sessions JOIN refresh_tokens ON session_id = id",
    )
    .fetch_one(shop.db.pool())
    .await
    .expect("they can be read");
    let raw = URL_SAFE_NO_PAD.decode(&tokens.refresh).expect("it is base64");
    let hex = raw.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert!(!kept.contains(&hex) && !kept.contains(&tokens.refresh), "{kept}");
}

#[tokio::test]
async fn a_used_token_that_comes_back_ends_its_session_and_no_other() {
    let shop = Shop::open().await;
    shop.newcomer("ann").await;
    let (stolen, other) = (shop.tokens("ann").await, shop.tokens("ann").await);
    let owner = shop.refreshed(&stolen).await;
    let_the_grace_pass(&shop).await;
    assert_eq!(refusal(shop.refresh(&stolen.refresh)).await, reused());
    assert_eq!(refusal(shop.refresh(&owner.refresh)).await, invalid(), "the whole family is over");
    assert_eq!(refusal(shop.refresh(&stolen.refresh)).await, invalid());
    assert!(!shop.opens(&owner.access).await && !shop.opens(&stolen.access).await);
    assert!(shop.opens(&other.access).await);
    shop.refreshed(&other).await;
    assert!((shop.metric(r#"user_refreshes_total{outcome="reused"}"#).await - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_token_from_before_the_last_one_is_stolen_however_quick_the_thief_is() {
    let shop = Shop::open().await;
    shop.newcomer("ann").await;
    let first = shop.tokens("ann").await;
    let second = shop.refreshed(&first).await;
    shop.refreshed(&second).await;
    assert_eq!(refusal(shop.refresh(&first.refresh)).await, reused());
}

#[tokio::test]
async fn tabs_that_refresh_at_once_through_any_replica_all_go_on_with_one_chain() {
    let shop = Shop::open().await;
    let replica = shop.replica(Surroundings::default()).await;
    shop.newcomer("ann").await;
    let mut tokens = shop.tokens("ann").await;
    for _ in 0..5 {
        let tabs = (0..20_usize).map(|tab| if tab.is_multiple_of(2) { &shop } else { &replica });
        let answers = join_all(tabs.map(|shop| shop.refreshed(&tokens))).await;
        assert!(answers.iter().all(|answer| answer.refresh == answers[0].refresh), "one chain");
        tokens = answers[0].clone();
    }
    let generation: i32 = sqlx::query_scalar("SELECT max(generation) FROM sessions")
        .fetch_one(shop.db.pool())
        .await
        .expect("it can be read");
    assert_eq!(generation, 5);
    let_the_grace_pass(&shop).await;
    assert!(shop.opens(&shop.refreshed(&tokens).await.access).await);
}

#[tokio::test]
async fn a_session_ends_when_nobody_refreshes_it_and_after_its_time_whatever_happens() {
    let shop = Shop::open().await;
    shop.newcomer("ann").await;
    let tokens = shop.tokens("ann").await;
    shop.sql("UPDATE sessions SET expires_at = now() + interval '1 minute'").await;
    let answer = answer(shop.refresh(&tokens.refresh), StatusCode::OK).await;
    let left = answer["refresh_expires_in"].as_u64().expect("seconds");
    assert!(left <= 60, "a refresh does not outlive the session: {left}");
    shop.sql("UPDATE sessions SET idle_until = now()").await;
    assert_eq!(refusal(shop.refresh(&Tokens::of(&answer).refresh)).await, invalid());
}

#[tokio::test]
async fn logging_out_ends_this_session_and_everywhere_all_of_them_but_nobody_elses() {
    let shop = Shop::open().await;
    for name in ["ann", "bob"] {
        shop.newcomer(name).await;
    }
    let (one, two, three, bob) =
        (shop.tokens("ann").await, shop.tokens("ann").await, shop.tokens("ann").await, shop.tokens("bob").await);
    let post = async |path: &str, tokens: &Tokens| {
        shop.post(path).bearer_auth(&tokens.access).send().await.expect("an answer").status()
    };
    assert_eq!(post("/user-api/logout", &one).await, StatusCode::NO_CONTENT);
    assert!(!shop.opens(&one.access).await, "at once");
    assert_eq!(refusal(shop.refresh(&one.refresh)).await, invalid());
    assert_eq!(post("/user-api/logout", &one).await, StatusCode::UNAUTHORIZED, "it is over already");
    assert!(shop.opens(&two.access).await);
    assert_eq!(post("/user-api/logout/everywhere", &two).await, StatusCode::NO_CONTENT);
    for over in [&two, &three] {
        assert!(!shop.opens(&over.access).await);
        assert_eq!(refusal(shop.refresh(&over.refresh)).await, invalid());
    }
    assert!(shop.opens(&bob.access).await);
    shop.refreshed(&bob).await;
    let without_session = shop.keys.token_of_somebody().1;
    let response = shop.post("/user-api/logout").bearer_auth(without_session).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::NO_CONTENT, "there is nothing to end");
}

#[tokio::test]
async fn a_refresh_that_races_with_a_logout_never_leaves_a_good_token() {
    let shop = Shop::open().await;
    shop.newcomer("ann").await;
    for _ in 0..10 {
        let tokens = shop.tokens("ann").await;
        // As if the access token were about to end: what the refresh gives out must be revoked for its whole life.
        shop.sql("UPDATE sessions SET access_until = now() + interval '1 second'").await;
        let log_out =
            async || shop.post("/user-api/logout").bearer_auth(&tokens.access).send().await.expect("an answer");
        let refresh = async || shop.refresh(&tokens.refresh).send().await.expect("an answer");
        let (_, refreshed) = tokio::join!(log_out(), refresh());
        if refreshed.status() == StatusCode::OK {
            let after = Tokens::of(&refreshed.json().await.expect("JSON"));
            assert!(!shop.opens(&after.access).await);
            assert_eq!(refusal(shop.refresh(&after.refresh)).await, invalid());
            let until: i64 = sqlx::query_scalar(
                "SELECT extract(epoch FROM until - now())::bigint FROM revocations ORDER BY seq DESC LIMIT 1",
            )
            .fetch_one(shop.db.pool())
            .await
            .expect("it is there");
            assert!(until > 890, "it is remembered as long as the token lives: {until} s");
        }
    }
}

#[tokio::test]
async fn whatever_is_no_refresh_token_is_refused() {
    let shop = Shop::open().await;
    let access = shop.keys.token_of_somebody().1;
    for token in ["", "x", &access, &"A".repeat(43), &"A".repeat(60_000), "пароль", "' OR 1=1 --"] {
        assert_eq!(refusal(shop.refresh(token)).await, invalid(), "{token:.50}");
    }
    let post = |body: serde_json::Value| shop.post("/user-api/token/refresh").json(&body);
    for body in [
        json!({}),
        json!({"refresh_token": 7}),
        json!({"refresh_token": "\0"}),
        json!({"refresh_token": "x", "role": "admin"}),
        json!([]),
    ] {
        let refused = refusal(post(body.clone())).await.0;
        assert!([400, 422].contains(&refused), "{body}: {refused}");
    }
}
