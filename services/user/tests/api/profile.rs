use axum::Router;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::routing::get;
use reqwest::StatusCode;
use serde_json::{Value, json};
use shop_testkit::TestDb;
use shop_user::{MIGRATOR, SCHEMA};

use crate::support::{Shop, Surroundings, answer};

fn cart() -> Router {
    let cart = async |headers: HeaderMap| {
        let authorization = headers["authorization"].to_str().expect("text").to_owned();
        assert!(authorization.starts_with("Service service-token-"), "it is a service that asks");
        axum::Json(json!({"version": 7, "lines": [], "request": headers["x-request-id"].to_str().expect("text")}))
    };
    Router::new().route("/internal/carts/{user_id}", get(cart))
}

fn order() -> Router {
    let orders =
        async |RawQuery(query): RawQuery| axum::Json(json!({"items": [{"query": query}], "next_cursor": null}));
    Router::new().route("/internal/orders", get(orders))
}

async fn profile(cart: Option<Router>, order: Option<Router>) -> (Value, Value) {
    let db = TestDb::new(&MIGRATOR, SCHEMA).await;
    let shop = Shop::with(db, Surroundings { cart, order, ..Surroundings::default() }).await;
    let (user, token) = shop.newcomer("ann").await;
    let request = shop.get("/user-api/users/me/profile").bearer_auth(token).header("x-request-id", "request-0001");
    (user, answer(request, StatusCode::OK).await)
}

#[tokio::test]
async fn a_profile_joins_the_users_cart_and_orders() {
    let (user, profile) = profile(Some(cart()), Some(order())).await;
    assert_eq!(profile["user"], user);
    assert_eq!(profile["cart"]["version"], 7);
    assert_eq!(profile["cart"]["request"], "request-0001", "the request keeps its id on the way");
    let id = user["id"].as_str().expect("an id");
    assert_eq!(profile["orders"], json!([{"query": format!("user_id={id}&limit=10")}]));
    assert_eq!(profile["unavailable"], json!([]));
}

#[tokio::test]
async fn a_sibling_that_is_away_leaves_a_gap_that_is_named() {
    let (_, profile) = profile(None, Some(order())).await;
    assert_eq!(profile["cart"], Value::Null);
    assert_eq!(profile["unavailable"], json!(["cart"]));
    assert!(profile["orders"].is_array());
}

#[tokio::test]
async fn a_sibling_that_fails_or_answers_nonsense_leaves_a_gap_too() {
    let failing = Router::new().fallback(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "oops") });
    let nonsense = Router::new().fallback(|| async { "not JSON" });
    let (_, profile) = profile(Some(failing), Some(nonsense)).await;
    assert_eq!(profile["unavailable"], json!(["cart", "order"]));
    assert_eq!((&profile["cart"], &profile["orders"]), (&Value::Null, &Value::Null));
}
