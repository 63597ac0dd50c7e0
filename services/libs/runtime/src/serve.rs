//! The server: listeners, connections and their end.
//!
//! `axum::serve` (0.8) gives hyper no timer, so a client that never finishes its headers holds a connection for ever and blocks a
//! graceful stop. This loop has a timer, a limit of connections and a stop that ends by a deadline.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::health::Health;
use crate::profile;

/// The most connections that are open at a time; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 4096;

/// How long a client may take to send its headers, and how long a connection may stay idle. Longer than the minute for which nginx keeps
/// idle connections to us, so that it is not us who close one just as a request is sent.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);

/// What a request's head may have before the server itself refuses it, without a document; twice what the layers allow.
const MOST_HEADERS: usize = 200;
const LONGEST_HEAD: usize = 64 * 1024;

/// The address of the client's end of the connection, as an extension of the request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// A service that is ready to run.
#[derive(Debug)]
pub struct ServiceApp {
    /// What the logs call it.
    pub name: &'static str,
    /// Everything that the gateway and siblings ask for.
    pub router: Router,
    /// Metrics and probes, on a listener of their own.
    pub ops: Router,
    /// Told first that the end is near, so that no new requests are sent.
    pub health: Health,
    /// Where `router` listens.
    pub listen: SocketAddr,
    /// Where `ops` listens.
    pub ops_listen: SocketAddr,
    /// How long the requests and tasks that run at the end may take.
    pub grace: Duration,
    /// Background tasks; they watch the same token as the server.
    pub tasks: TaskTracker,
}

/// Serves until `shutdown` is cancelled, then lets requests and tasks finish within the grace.
pub async fn run(app: ServiceApp, shutdown: CancellationToken) -> io::Result<()> {
    let public = bind(app.listen).await?;
    let ops = bind(app.ops_listen).await?;
    tracing::info!(service = app.name, address = %app.listen, ops_address = %app.ops_listen, "serving");

    // The probes must be answered while requests drain, so their listener stops last.
    let ops_stop = CancellationToken::new();
    let ops_server = tokio::spawn(serve(
        ops,
        app.ops.merge(profile::router(app.name)),
        ops_stop.clone(),
        Duration::from_millis(200),
    ));
    let health = app.health;
    let stopping = shutdown.clone();
    let announce = tokio::spawn(async move {
        stopping.cancelled().await;
        health.drain();
        tracing::info!("stopping: not ready any more, letting requests finish");
    });

    let deadline = async {
        shutdown.cancelled().await;
        tokio::time::sleep(app.grace).await;
    };
    let work = async {
        serve(public, app.router, shutdown.clone(), app.grace).await;
        app.tasks.close();
        app.tasks.wait().await;
    };
    tokio::select! {
        () = work => tracing::info!("stopped"),
        () = deadline => tracing::warn!(grace_ms = app.grace.as_millis(), "stopped with work unfinished"),
    }
    announce.abort();
    ops_stop.cancel();
    let _ = ops_server.await;
    Ok(())
}

async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("can't listen on {address}: {error}")))
}

/// Serves one listener until `shutdown` is cancelled, then lets open requests finish within `grace`.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken, grace: Duration) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = TaskTracker::new();
    let mut pause = Duration::ZERO;
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, stream) = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accepted => accepted,
        };
        match stream {
            Ok((stream, peer)) => {
                pause = Duration::ZERO;
                let (router, shutdown) = (router.clone(), shutdown.clone());
                connections.spawn(async move {
                    connection(stream, peer, router, shutdown).await;
                    drop(place);
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Out of file descriptors, most likely: trying again at once would only burn the processor.
                pause = (pause * 2).clamp(Duration::from_millis(10), Duration::from_secs(1));
                tracing::error!(%error, pause_ms = pause.as_millis(), "can't accept connections");
                tokio::time::sleep(pause).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(grace, connections.wait()).await.is_err() {
        tracing::warn!("connections were still busy at the end of the grace");
    }
}

/// One connection from its first byte to its last; after `shutdown` it ends with the request that is being served.
async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, shutdown: CancellationToken) {
    // Answers are written whole; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

/// Errors that concern the connection that was to be accepted, not the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// A token that is cancelled by SIGTERM or Ctrl-C.
pub fn shutdown_on_signal() -> io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};

    let token = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    });
    Ok(token)
}
