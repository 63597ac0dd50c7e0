//! Profiles of this very process, which has to be busy for that.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

use std::future::poll_fn;
use std::hint::black_box;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use flate2::read::GzDecoder;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use shop_runtime::problem::ProblemDocument;
use shop_runtime::profile;
use shop_runtime::serve::serve;
use shop_testkit::{eventually, spawn};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// There is one profile at a time in a process, and all these tests are in one.
static ALONE: Mutex<()> = Mutex::const_new(());

async fn alone() -> (MutexGuard<'static, ()>, Router) {
    let (alone, routes) = (ALONE.lock().await, profile::router("cart"));
    // A process that ends leaves an empty file there.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    if folder.is_dir() {
        tempfile::env::override_temp_dir(folder).ok();
    }
    // A test before may have left one that has not noticed yet.
    eventually("there is room", async || get(&routes, "/profiles/cpu.pb?seconds=1").await.status() == StatusCode::OK)
        .await;
    (alone, routes)
}

/// A thread that works until this is dropped.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn start() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        std::thread::Builder::new()
            .name("baker".to_owned())
            .spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    knead_the_dough();
                }
            })
            .expect("a thread");
        Self(over)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks the allocator too: a sample that comes in the middle of it must not need it.
#[inline(never)]
fn knead_the_dough() {
    let dough: Vec<u64> = (0..black_box(512)).map(|part| part * 31).collect();
    black_box(dough.iter().fold(0_u64, |sum, part| sum.rotate_left(5) ^ part));
}

fn ask(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

async fn get(routes: &Router, path: &str) -> Response {
    routes.clone().oneshot(ask(path)).await.expect("it answers")
}

async fn bytes(response: Response) -> Vec<u8> {
    let status = response.status();
    let bytes = response.into_body().collect().await.expect("a body").to_bytes().to_vec();
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&bytes));
    bytes
}

async fn problem(response: Response) -> (StatusCode, ProblemDocument) {
    let status = response.status();
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&bytes).expect("a problem document"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_the_process_busy_is_in_the_flame_graph_by_name() {
    let (_alone, routes) = alone().await;
    let _busy = Busy::start();
    let response = get(&routes, "/profiles/flamegraph.svg?seconds=2&frequency=200").await;
    let headers = response.headers().clone();
    assert_eq!(headers["content-type"], "image/svg+xml");
    assert_eq!(headers["cache-control"], "no-store");
    let drawing = String::from_utf8(bytes(response).await).expect("text");
    assert!(drawing.contains("knead_the_dough"), "{drawing}");
    assert!(drawing.contains(">baker "), "the thread is there by its name");
    let title = format!("cart {}", env!("CARGO_PKG_VERSION"));
    assert!(drawing.contains(&title) && drawing.contains("CPU time of 2 s"), "{drawing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_the_process_busy_is_in_the_file_for_pprof_by_name() {
    let (_alone, routes) = alone().await;
    let _busy = Busy::start();
    let packed = bytes(get(&routes, "/profiles/cpu.pb?seconds=2").await).await;
    let mut message = Vec::new();
    GzDecoder::new(packed.as_slice()).read_to_end(&mut message).expect("gzip");
    let readable = String::from_utf8_lossy(&message);
    for text in ["profile::knead_the_dough", "baker", "nanoseconds"] {
        assert!(readable.contains(text), "{text} is not in {readable}");
    }
}

#[tokio::test]
async fn what_is_out_of_bounds_is_refused_by_its_name() {
    let (_alone, routes) = alone().await;
    for (query, field) in [
        ("seconds=0", "seconds"),
        ("seconds=61", "seconds"),
        ("seconds=-1", "seconds"),
        ("seconds=soon", "seconds"),
        ("frequency=0", "frequency"),
        ("frequency=251", "frequency"),
        ("second=1", "second"),
    ] {
        for file in ["flamegraph.svg", "cpu.pb"] {
            let (status, problem) = problem(get(&routes, &format!("/profiles/{file}?{query}")).await).await;
            assert!(status.is_client_error() && status != StatusCode::CONFLICT, "{query}: {status}");
            let detail = problem.detail.unwrap_or_default();
            assert!(detail.contains(field), "{query}: {detail}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_who_asks_is_told_when_to_come_back_and_the_first_who_leaves_makes_room() {
    let (_alone, routes) = alone().await;
    let mut first = Box::pin(routes.clone().oneshot(ask("/profiles/cpu.pb?seconds=60")));
    let pending = poll_fn(|context| Poll::Ready(first.as_mut().poll(context).is_pending())).await;
    assert!(pending, "it takes a minute");

    let response = get(&routes, "/profiles/flamegraph.svg?seconds=1").await;
    let wait = response.headers()["retry-after"].to_str().expect("text").parse::<u64>().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    let (status, problem) = problem(response).await;
    assert_eq!((status, problem.slug()), (StatusCode::CONFLICT, Some("profile-in-progress")));

    drop(first);
    eventually("there is room again", async || {
        get(&routes, "/profiles/cpu.pb?seconds=1").await.status() == StatusCode::OK
    })
    .await;
}

/// Somebody who takes a profile of a minute, which runs when this returns.
async fn long_profile(base: &str) -> JoinHandle<()> {
    let long = format!("{base}/profiles/cpu.pb?seconds=60");
    // Whoever of the two comes first, this one asks until it is its turn.
    let caller = tokio::spawn(async move { while reqwest::get(&long).await.is_ok() {} });
    eventually("the long one runs", async || short_profile(base).await == Some(StatusCode::CONFLICT)).await;
    caller
}

async fn short_profile(base: &str) -> Option<StatusCode> {
    reqwest::get(format!("{base}/profiles/cpu.pb?seconds=1")).await.ok().map(|response| response.status())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_ends_with_the_connection_of_its_caller() {
    let (_alone, routes) = alone().await;
    let base = spawn(routes).await;
    long_profile(&base).await.abort();
    eventually("the place is free", async || short_profile(&base).await == Some(StatusCode::OK)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_process_does_not_wait_for_a_profile() {
    let (_alone, routes) = alone().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(listener, routes, stop.clone(), Duration::from_millis(200)));
    let caller = long_profile(&base).await;
    let began = Instant::now();
    stop.cancel();
    server.await.expect("it ended");
    assert!(began.elapsed() < Duration::from_secs(30), "long before the profile does");
    caller.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_one_after_the_other_do_no_harm_to_a_process_that_works() {
    let (_alone, routes) = alone().await;
    let _busy = [Busy::start(), Busy::start(), Busy::start()];
    for _ in 0..8 {
        let mut cut_short = Box::pin(routes.clone().oneshot(ask("/profiles/cpu.pb?seconds=60&frequency=250")));
        tokio::time::timeout(Duration::from_millis(150), cut_short.as_mut()).await.ok();
        drop(cut_short);
        eventually("a whole one", async || {
            get(&routes, "/profiles/cpu.pb?seconds=1&frequency=250").await.status() == StatusCode::OK
        })
        .await;
    }
}
