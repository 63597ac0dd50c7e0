use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Shop, answer};

#[tokio::test]
async fn health_and_keys_are_there_for_everyone_and_nothing_may_be_cached() {
    let shop = Shop::open().await;
    let health = answer(shop.get("/user-api/health"), StatusCode::OK).await;
    assert_eq!((&health["status"], &health["service"]), (&json!("healthy"), &json!("user")));
    let response = shop.get("/user-api/health").send().await.expect("an answer");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(response.headers().contains_key("x-request-id"));

    let jwks = answer(shop.get("/user-api/.well-known/jwks.json"), StatusCode::OK).await;
    assert_eq!(jwks["keys"][0]["kid"], shop.keys.signer().kid().as_str());
    assert_eq!((&jwks["keys"][0]["kty"], &jwks["keys"][0]["crv"]), (&json!("OKP"), &json!("Ed25519")));
}

#[tokio::test]
async fn a_request_is_counted_by_its_route_and_a_strange_path_makes_no_series() {
    let shop = Shop::open().await;
    shop.get("/user-api/health").send().await.expect("an answer");
    for path in ["/wp-login.php", "/.env"] {
        shop.get(path).send().await.expect("an answer");
    }
    let count = async |route: &str, status: &str| {
        let series = "http_request_duration_seconds_count";
        let labels = format!(r#"{{method="GET",route="{route}",service="user",status="{status}"}}"#);
        shop.metric(&format!("{series}{labels}")).await
    };
    assert!((count("/user-api/health", "200").await - 1.0).abs() < f64::EPSILON);
    assert!((count("<unknown>", "404").await - 2.0).abs() < f64::EPSILON);
}
