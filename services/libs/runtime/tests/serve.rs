//! How a server begins and ends.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use shop_runtime::serve::serve;
use shop_testkit::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A server with a handler that says when it began and waits until it may end.
struct Slow {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    began: Arc<Notify>,
    release: Arc<Notify>,
    server: tokio::task::JoinHandle<()>,
}

impl Slow {
    async fn start(grace: Duration) -> Self {
        let (began, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (start, end) = (Arc::clone(&began), Arc::clone(&release));
        let handler = move || {
            let (start, end) = (Arc::clone(&start), Arc::clone(&end));
            async move {
                start.notify_one();
                end.notified().await;
                "done"
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let routes = Router::new().route("/slow", get(handler)).route("/", get(|| async { "hello" }));
        let server = tokio::spawn(serve(listener, routes, stop.clone(), grace));
        Self { address, stop, began, release, server }
    }

    fn slow_request(&self) -> tokio::task::JoinHandle<reqwest::Result<reqwest::Response>> {
        tokio::spawn(reqwest::get(format!("http://{}/slow", self.address)))
    }
}

#[tokio::test]
async fn a_stop_lets_the_running_request_finish_and_takes_no_new_one() {
    let slow = Slow::start(Duration::from_secs(60)).await;
    let mut idle = TcpStream::connect(slow.address).await.expect("connected");
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    let request = slow.slow_request();
    slow.began.notified().await;
    slow.stop.cancel();
    eventually("nobody listens", async || TcpStream::connect(slow.address).await.is_err()).await;
    idle.read_to_end(&mut Vec::new()).await.expect("an idle connection is closed");
    assert!(!slow.server.is_finished());
    slow.release.notify_one();
    let answer = request.await.expect("no panic").expect("an answer").text().await.expect("text");
    assert_eq!(answer, "done");
    slow.server.await.expect("it ended");
}

#[tokio::test]
async fn a_stop_does_not_wait_longer_than_the_grace_not_even_for_half_a_request() {
    let slow = Slow::start(Duration::from_millis(100)).await;
    let mut half = TcpStream::connect(slow.address).await.expect("connected");
    half.write_all(b"GET / HTTP/1.1\r\nhost:").await.expect("sent");
    let request = slow.slow_request();
    slow.began.notified().await;
    slow.stop.cancel();
    tokio::time::timeout(Duration::from_secs(30), slow.server).await.expect("in time").expect("it ended");
    request.abort();
}
