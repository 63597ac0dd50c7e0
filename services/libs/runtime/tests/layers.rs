//! What stands between the socket and the handlers.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use prometheus::Registry;
use shop_runtime::client::Sibling;
use shop_runtime::layers::{self, Limits};
use shop_runtime::metrics::HttpMetrics;
use shop_runtime::{deadline, trace};
use shop_testkit::{eventually, problem, spawn};
use tokio::sync::Notify;

async fn serve(routes: Router, limits: Limits) -> (String, Registry) {
    let registry = Registry::new();
    let metrics = HttpMetrics::register(&registry, "test").expect("new");
    (spawn(layers::wrap(routes, metrics, limits)).await, registry)
}

async fn get_from(base: &str, path: &str) -> reqwest::Response {
    reqwest::get(format!("{base}{path}")).await.expect("an answer")
}

#[tokio::test]
async fn a_panic_is_an_answer_that_tells_nothing_of_it() {
    async fn panics() -> &'static str {
        panic!("the secret is sesame")
    }
    let (base, _) = serve(Router::new().route("/", get(panics)), Limits::default()).await;
    let problem = problem(get_from(&base, "/").await).await;
    assert_eq!((problem.status, problem.slug()), (500, Some("internal")));
    assert!(!serde_json::to_string(&problem).expect("JSON").contains("sesame"));
    assert!(problem.instance.is_some());
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up() {
    let limits = Limits { time: Duration::from_millis(50), ..Limits::default() };
    let (base, _) = serve(Router::new().route("/", get(std::future::pending::<()>)), limits).await;
    let response = get_from(&base, "/").await;
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(problem(response).await.slug(), Some("timeout"));
}

#[tokio::test]
async fn requests_beyond_the_limit_are_turned_away_at_once() {
    let release = Arc::new(Notify::new());
    let held = Arc::clone(&release);
    let wait = move || {
        let held = Arc::clone(&held);
        async move { held.notified().await }
    };
    let routes = Router::new().route("/wait", get(wait)).route("/", get(|| async { "hello" }));
    let (base, registry) = serve(routes, Limits { concurrent: 1, ..Limits::default() }).await;
    let first = tokio::spawn(reqwest::get(format!("{base}/wait")));
    let in_flight = |registry: &Registry| {
        let text = shop_runtime::metrics::encode(registry).expect("text");
        text.contains(r#"http_requests_in_flight{service="test"} 1"#)
    };
    eventually("the first request is served", async || in_flight(&registry)).await;
    let response = get_from(&base, "/").await;
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(problem(response).await.slug(), Some("overloaded"));
    release.notify_one();
    assert!(first.await.expect("no panic").expect("an answer").status().is_success());
    assert!(get_from(&base, "/").await.status().is_success());
}

#[tokio::test]
async fn a_request_id_is_kept_if_it_is_sensible_and_made_if_it_is_not() {
    let (base, _) = serve(Router::new(), Limits::default()).await;
    let client = reqwest::Client::new();
    let echoed = async |id: &str| {
        let response = client.get(&base).header("x-request-id", id).send().await.expect("an answer");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let header = response.headers()["x-request-id"].to_str().expect("text").to_owned();
        assert_eq!(problem(response).await.instance.as_deref(), Some(&*header), "the problem is about this request");
        header
    };
    assert_eq!(echoed("0123456789abcdef").await, "0123456789abcdef");
    for nonsense in ["short", "with spaces and (signs)", &"x".repeat(100)] {
        assert_ne!(echoed(nonsense).await, nonsense);
    }
}

#[tokio::test]
async fn a_request_knows_its_trace_and_its_end() {
    let tell = || async {
        let left = deadline::remaining().expect("a request has an end").as_millis();
        axum::Json((trace::current().expect("a request is in a trace").to_string(), left))
    };
    let (base, _) = serve(Router::new().route("/", get(tell)), Limits::default()).await;
    let client = reqwest::Client::new();
    let told = async |headers: &[(&str, &str)]| {
        let request = headers.iter().fold(client.get(&base), |request, (name, value)| request.header(*name, *value));
        request.send().await.expect("an answer").json::<(String, u128)>().await.expect("told")
    };
    let (_, left) = told(&[]).await;
    assert!((5_000..=10_000).contains(&left), "{left}");
    let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (ours, left) = told(&[("traceparent", caller), ("x-request-timeout-ms", "3000")]).await;
    assert!(ours.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{ours}");
    assert_ne!(ours, caller, "a span of our own");
    assert!(left <= 3_000, "{left}");
    let (ours, _) = told(&[("traceparent", &caller.to_uppercase())]).await;
    assert!(!ours.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "nonsense begins a new trace: {ours}");
}

#[tokio::test]
async fn what_is_noted_beside_a_trace_goes_on_to_siblings_with_it_and_never_without() {
    let tell = async |headers: http::HeaderMap| {
        axum::Json(["traceparent", "tracestate"].map(|name| Some(headers.get(name)?.to_str().ok()?.to_owned())))
    };
    let (sibling, _) = serve(Router::new().route("/x", get(tell)), Limits::default()).await;
    let token = secrecy::SecretString::from("s");
    let sibling = Sibling::new("catalog", &sibling, &token, Duration::from_secs(60)).expect("an address");
    let pass_on = move || {
        let sibling = sibling.clone();
        async move { axum::Json(sibling.get::<[Option<String>; 2]>("/x").await.expect("an answer")) }
    };
    let (base, _) = serve(Router::new().route("/", get(pass_on)), Limits::default()).await;
    let client = reqwest::Client::new();
    let passed_on = async |parent: &str, states: &[&str]| {
        let request = client.get(&base).header("traceparent", parent);
        let request = states.iter().fold(request, |request, state| request.header("tracestate", *state));
        request.send().await.expect("an answer").json::<[Option<String>; 2]>().await.expect("told")
    };
    let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let [parent, state] = passed_on(caller, &["rojo=00f067aa0ba902b7", "congo=t61rcWkgMzE"]).await;
    assert!(parent.is_some_and(|parent| parent.contains("4bf92f3577b34da6a3ce929d0e0e4736")));
    assert_eq!(state.as_deref(), Some("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"));
    assert_eq!(passed_on(caller, &["no list"]).await[1], None, "what is malformed is dropped");
    assert_eq!(passed_on("nonsense", &["rojo=1"]).await[1], None, "it is of another trace");
}

#[tokio::test]
async fn a_request_whose_caller_has_less_patience_is_given_up_earlier() {
    let limits = Limits { time: Duration::from_secs(3600), ..Limits::default() };
    let (base, _) = serve(Router::new().route("/", get(std::future::pending::<()>)), limits).await;
    let request = reqwest::Client::new().get(&base).header("x-request-timeout-ms", "50");
    assert_eq!(problem(request.send().await.expect("an answer")).await.slug(), Some("timeout"));
}
