//! What nobody who means well sends.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shop_testkit::Keys;

use crate::support::{Shop, answer, refusal};

#[tokio::test]
async fn names_that_are_none_are_refused_at_registration_and_unknown_at_login() {
    let shop = Shop::open().await;
    let long = "a".repeat(10_000);
    for name in ["", "ab", "a b", "ann\r\nX: y", "../../etc", "'; DROP TABLE users; --", "änn", "\u{202e}nna", &long] {
        assert_eq!(refusal(shop.register(name, "correct horse")).await, (422, "invalid-input".into()), "{name:.40}");
        assert_eq!(refusal(shop.login(name, "correct horse")).await, (401, "bad-credentials".into()), "{name:.40}");
    }
    let hashes = shop.metric(r#"user_password_hashes_total{algorithm="argon2id"}"#).await;
    assert!(hashes.abs() < f64::EPSILON, "none of them was worth a hash: {hashes}");
}

#[tokio::test]
async fn passwords_are_measured_before_they_are_hashed_and_otherwise_taken_as_they_are() {
    let shop = Shop::open().await;
    let long = "x".repeat(10_000);
    assert_eq!(refusal(shop.register("ann", &long)).await, (422, "invalid-input".into()));
    assert_eq!(refusal(shop.login("ann", &long)).await, (401, "bad-credentials".into()));
    let hashes = shop.metric(r#"user_password_hashes_total{algorithm="argon2id"}"#).await;
    assert!(hashes.abs() < f64::EPSILON, "{hashes}");
    let nul = "correct\0horse";
    assert_eq!(refusal(shop.register("ann", nul)).await, (422, "invalid-input".into()));
    assert!([400, 401, 422].contains(&refusal(shop.login("ann", nul)).await.0));
    assert!([400, 401, 422].contains(&refusal(shop.login("ann\0", "correct horse")).await.0));
    let odd = "a\u{1}b\r\n пароль 🔑";
    answer(shop.register("ann", odd), StatusCode::CREATED).await;
    answer(shop.login("ann", odd), StatusCode::OK).await;
    assert_eq!(refusal(shop.login("ann", "a\u{1}b\r\n пароль 🔒")).await.0, 401);
}

#[tokio::test]
async fn a_full_name_that_plays_tricks_is_refused_with_the_field_named() {
    let shop = Shop::open().await;
    let (_, token) = shop.newcomer("ann").await;
    for name in ["", "  ", "A\0", "A\nB", "\u{1b}[2J", "\u{202e}nnA", &"x".repeat(101)] {
        let input = json!({"username": "bob", "password": "correct horse", "full_name": name});
        let register = shop.post("/user-api/users/register").json(&input);
        assert_eq!(refusal(register).await, (422, "invalid-input".into()), "{name:?}");
        let rename = shop.request(Method::PATCH, "/user-api/users/me").json(&json!({"full_name": name}));
        assert_eq!(refusal(rename.bearer_auth(&token)).await, (422, "invalid-input".into()), "{name:?}");
    }
}

#[tokio::test]
async fn headers_that_are_no_tokens_are_refused_like_any_that_is_not_good() {
    let shop = Shop::open().await;
    let (_, good) = shop.newcomer("ann").await;
    let strange = Keys::generate().token_of_somebody().1;
    let unauthenticated = (401, "unauthenticated".to_owned());
    let with = |value: &[u8]| {
        let value = reqwest::header::HeaderValue::from_bytes(value).expect("a header can carry it");
        shop.get("/user-api/users/me").header("authorization", value)
    };
    let huge = format!("Bearer {}", "x".repeat(8_000));
    for value in [
        b"".as_slice(),
        b"Bearer",
        b"Bearer ",
        b"Bearer \xff\xfe",
        b"Basic dXNlcjE6dXNlcjEyMw==",
        huge.as_bytes(),
        good.as_bytes(),
        format!("Bearer {good} {good}").as_bytes(),
        format!("Bearer {strange}").as_bytes(),
    ] {
        assert_eq!(refusal(with(value)).await, unauthenticated, "{:.60}", String::from_utf8_lossy(value));
    }
    answer(with(format!("bEARER  {good}").as_bytes()), StatusCode::OK).await;
}
