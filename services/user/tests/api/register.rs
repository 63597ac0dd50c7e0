use reqwest::StatusCode;
use serde_json::json;
use shop_testkit::problem;

use crate::support::{Shop, answer, refusal};

#[tokio::test]
async fn a_registered_user_can_log_in_and_is_known_by_the_token() {
    let shop = Shop::open().await;
    let (user, token) = shop.newcomer("Ann").await;
    assert_eq!(user["username"], "Ann");
    assert_eq!(user["role"], "user");
    assert_eq!(user.get("password_hash"), None);
    let me = answer(shop.get("/user-api/users/me").bearer_auth(&token), StatusCode::OK).await;
    assert_eq!(me, user);
    assert!((shop.metric("user_registrations_total").await - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_name_that_differs_in_case_only_is_taken() {
    let shop = Shop::open().await;
    shop.newcomer("ann").await;
    assert_eq!(refusal(shop.register("ANN", "correct horse")).await, (409, "username-taken".into()));
}

#[tokio::test]
async fn of_many_who_want_one_name_at_once_one_gets_it() {
    let shop = Shop::open().await;
    let register = async || shop.register("ann", "correct horse").send().await.expect("an answer").status().as_u16();
    let (a, b, c, d) = tokio::join!(register(), register(), register(), register());
    let mut statuses = [a, b, c, d];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
}

#[tokio::test]
async fn values_that_break_a_rule_are_named_all_at_once() {
    let shop = Shop::open().await;
    let input = json!({"username": "a b", "password": "short", "full_name": ""});
    let problem = problem(shop.post("/user-api/users/register").json(&input).send().await.expect("an answer")).await;
    assert_eq!((problem.status, problem.slug()), (422, Some("invalid-input")));
    let errors = problem.extensions["errors"].as_array().expect("a list");
    let mut fields: Vec<_> = errors.iter().map(|error| error["field"].as_str().expect("a name")).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["/full_name", "/password", "/username"]);
    assert!(!problem.detail.expect("a detail").contains("short"), "a password is not repeated");
}

#[tokio::test]
async fn nobody_registers_as_an_administrator() {
    let shop = Shop::open().await;
    let input = json!({"username": "eve", "password": "correct horse", "full_name": "Eve", "role": "admin"});
    assert_eq!(refusal(shop.post("/user-api/users/register").json(&input)).await, (422, "invalid-input".into()));
}

#[tokio::test]
async fn whatever_can_not_be_read_is_a_problem_document() {
    let shop = Shop::open().await;
    let register = || shop.post("/user-api/users/register");
    let json = "application/json";
    assert_eq!(refusal(register().header("content-type", json).body("{")).await, (400, "malformed-json".into()));
    assert_eq!(refusal(register().body("{}")).await, (415, "unsupported-media-type".into()));
    let long = format!(r#"{{"username":"{}"}}"#, "a".repeat(70_000));
    assert_eq!(refusal(register().header("content-type", json).body(long)).await, (413, "payload-too-large".into()));
    assert_eq!(refusal(shop.get("/user-api/nothing")).await, (404, "not-found".into()));
    let wrong_method = shop.get("/user-api/users/register").send().await.expect("an answer");
    assert_eq!(wrong_method.headers()["allow"], "POST");
    assert_eq!(problem(wrong_method).await.slug(), Some("method-not-allowed"));
}
