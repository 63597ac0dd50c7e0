use std::{net::Ipv4Addr, time::Duration};

use axum::{body::Body, http::Request};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use tracing_subscriber::EnvFilter;

use super::*;

const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);
const THERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7)), 5000);

struct Fixture {
    ops: Ops,
    role: watch::Sender<Role>,
    /// Dropped, there would be no logs whose level could change.
    _filter: tracing_subscriber::reload::Layer<EnvFilter, tracing_subscriber::Registry>,
}

fn fixture(beats: Vec<Heartbeat>) -> Fixture {
    let (role, told) = watch::channel(Role::StandingBy);
    let (filter, level) = LogLevel::new(EnvFilter::new("info"));
    let metrics = Metrics::new().unwrap();
    Fixture { ops: Ops { metrics, watches: WatchStates::default(), role: told, beats, level }, role, _filter: filter }
}

async fn ask(fixture: &Fixture, peer: SocketAddr, request: Request<Body>) -> (StatusCode, String) {
    let mut request = request;
    request.extensions_mut().insert(ConnectInfo(peer));
    let answer = router(fixture.ops.clone()).oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn read(fixture: &Fixture, path: &str) -> (StatusCode, String) {
    ask(fixture, THERE, Request::get(path).body(Body::empty()).unwrap()).await
}

fn put(level: &str) -> Request<Body> {
    Request::put("/loglevel").body(Body::from(level.to_owned())).unwrap()
}

#[tokio::test]
async fn it_is_alive_until_one_of_its_loops_is_silent() {
    let lively = Heartbeat::new("the controller", Duration::from_secs(600));
    let (status, text) = read(&fixture(vec![lively.clone()]), "/livez").await;
    assert_eq!((status, text.as_str()), (StatusCode::OK, "the controller: alive\n"));
    let stuck = Heartbeat::new("the Lease", Duration::ZERO);
    let (status, text) = read(&fixture(vec![lively, stuck]), "/livez").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.contains("the Lease: no sign of life"), "{text}");
}

#[tokio::test]
async fn it_is_not_ready_before_its_watches_and_says_what_it_is() {
    let fixture = fixture(Vec::new());
    let (status, text) = read(&fixture, "/readyz").await;
    assert_eq!((status, text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "standing by\n"));
    fixture.role.send_replace(Role::Holding);
    assert!(read(&fixture, "/readyz").await.1.starts_with("working\n"));
}

#[tokio::test]
async fn the_log_level_is_changed_from_the_pod_itself_only() {
    let fixture = fixture(Vec::new());
    let (status, text) = ask(&fixture, THERE, put("debug")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(text.contains("kubectl port-forward"), "{text}");
    assert_eq!(ask(&fixture, HERE, put("debug\n")).await, (StatusCode::OK, "debug\n".to_owned()));
    let got = ask(&fixture, HERE, Request::get("/loglevel").body(Body::empty()).unwrap()).await;
    assert_eq!(got, (StatusCode::OK, "debug\n".to_owned()));
}

#[tokio::test]
async fn nonsense_is_told_what_to_write_and_changes_nothing() {
    let fixture = fixture(Vec::new());
    let (status, text) = ask(&fixture, HERE, put("loud")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let problem: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("write off, error, warn"), "{text}");
    let (status, _) = ask(&fixture, HERE, put(&"info,".repeat(1000))).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(fixture.ops.level.get(), "info");
}

#[tokio::test]
async fn the_metrics_are_served() {
    let (status, text) = read(&fixture(Vec::new()), "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    for name in ["operator_build_info{version=", "operator_stores{ready=\"True\"} 0", "operator_leader 0"] {
        assert!(text.contains(name), "{name} in {text}");
    }
    #[cfg(target_os = "linux")]
    assert!(text.contains("process_resident_memory_bytes"), "{text}");
}
