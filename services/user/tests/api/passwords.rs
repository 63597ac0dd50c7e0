use reqwest::{RequestBuilder, StatusCode};
use serde_json::json;

use crate::support::{Shop, Tokens, answer, refusal};

const NEW: &str = "battery staple";

/// `user123` as one of the shop's older systems kept it.
const BCRYPT: &str = "$2b$04$Sh0pkeeperOldSystemB.uSXX3AKrEN4PTmNHFqHv4ggZmO.PhAI2";

fn change(shop: &Shop, token: &str, old: &str, new: &str) -> RequestBuilder {
    let body = json!({"old_password": old, "new_password": new});
    shop.post("/user-api/users/me/password").bearer_auth(token).json(&body)
}

async fn hashes(shop: &Shop, algorithm: &str) -> f64 {
    shop.metric(&format!(r#"user_password_hashes_total{{algorithm="{algorithm}"}}"#)).await
}

#[tokio::test]
async fn a_new_password_is_good_at_once_and_ends_all_sessions_but_the_one_that_changed_it() {
    let shop = Shop::open().await;
    shop.newcomer("ann").await;
    let (mine, other) = (shop.tokens("ann").await, shop.tokens("ann").await);
    let changed = change(&shop, &mine.access, "correct horse", NEW).send().await.expect("an answer");
    assert_eq!(changed.status(), StatusCode::NO_CONTENT);
    assert!(shop.opens(&mine.access).await && !shop.opens(&other.access).await);
    shop.refreshed(&mine).await;
    assert_eq!(refusal(shop.refresh(&other.refresh)).await, (401, "refresh-token-invalid".into()));
    assert_eq!(refusal(shop.login("ann", "correct horse")).await, (401, "bad-credentials".into()));
    answer(shop.login("ann", NEW), StatusCode::OK).await;
}

#[tokio::test]
async fn a_password_changes_only_for_the_old_one_and_within_the_rules() {
    let shop = Shop::open().await;
    let (_, token) = shop.newcomer("ann").await;
    assert_eq!(refusal(change(&shop, &token, "wrong horse", NEW)).await, (403, "wrong-password".into()));
    let before = hashes(&shop, "argon2id").await;
    assert_eq!(refusal(change(&shop, &token, &"x".repeat(10_000), NEW)).await, (403, "wrong-password".into()));
    for new in ["short", &"x".repeat(10_000), ""] {
        assert_eq!(refusal(change(&shop, &token, "correct horse", new)).await.0, 422);
    }
    assert!((hashes(&shop, "argon2id").await - before).abs() < f64::EPSILON, "none of them was worth a hash");
    answer(shop.login("ann", "correct horse"), StatusCode::OK).await;
}

#[tokio::test]
async fn somebody_with_a_stolen_token_does_not_guess_the_password_for_long() {
    let shop = Shop::open().await;
    let (_, token) = shop.newcomer("ann").await;
    let mut limited = None;
    for _ in 0..12 {
        let response = change(&shop, &token, "guess", NEW).send().await.expect("an answer");
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            limited = Some(response);
        }
    }
    assert!(limited.expect("ten are let through").headers().contains_key("retry-after"));
}

#[tokio::test]
async fn of_two_changes_at_once_one_is_made_and_a_login_with_the_old_password_leaves_no_session() {
    let shop = Shop::open().await;
    shop.newcomer("ann").await;
    let mine = shop.tokens("ann").await;
    let send = async |new: &str| {
        change(&shop, &mine.access, "correct horse", new).send().await.expect("an answer").status().as_u16()
    };
    let login = async || shop.login("ann", "correct horse").send().await.expect("an answer");
    let (one, two, raced) = tokio::join!(send("battery staple"), send("paper clip stapler"), login());
    let made = [one, two].iter().filter(|status| **status == 204).count();
    assert_eq!(made, 1, "{one}, {two}");
    if raced.status() == StatusCode::OK {
        let raced = Tokens::of(&raced.json().await.expect("JSON"));
        assert!(!shop.opens(&raced.access).await, "it was begun with the old password");
    }
    assert_eq!(refusal(shop.login("ann", "correct horse")).await.0, 401);
}

#[tokio::test]
async fn a_hash_of_the_older_system_is_good_once_and_better_from_then_on() {
    let shop = Shop::open().await;
    shop.newcomer("ann").await;
    let kept = async || {
        sqlx::query_scalar::<_, String>("SELECT password_hash FROM users").fetch_one(shop.db.pool()).await.expect("one")
    };
    sqlx::query("UPDATE users SET password_hash = $1").bind(BCRYPT).execute(shop.db.pool()).await.expect("written");
    assert_eq!(refusal(shop.login("ann", "user124")).await, (401, "bad-credentials".into()));
    assert_eq!(kept().await, BCRYPT, "a wrong password changes nothing");
    let logins = (0..3).map(async |_| answer(shop.login("ann", "user123"), StatusCode::OK).await);
    futures::future::join_all(logins).await;
    assert!(kept().await.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    let before = hashes(&shop, "bcrypt").await;
    answer(shop.login("ann", "user123"), StatusCode::OK).await;
    assert!((hashes(&shop, "bcrypt").await - before).abs() < f64::EPSILON);
    assert_eq!(refusal(shop.login("ann", "user124")).await.0, 401);
}

#[tokio::test]
async fn an_unknown_name_costs_as_much_as_a_wrong_password() {
    let shop = Shop::open().await;
    shop.newcomer("ann").await;
    let mut costs = Vec::new();
    for name in ["ann", "nobody"] {
        let before = hashes(&shop, "argon2id").await;
        assert_eq!(refusal(shop.login(name, "wrong horse")).await.0, 401);
        costs.push(hashes(&shop, "argon2id").await - before);
    }
    assert_eq!(costs, [1.0, 1.0]);
}
