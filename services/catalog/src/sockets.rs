//! Everything that a WebSocket does between its opening and its close. Clients only listen: what they send is not looked at.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Frame, Utf8Bytes, WebSocket, close_code};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::hub::{Hub, Subscription};
use crate::metrics::{CatalogMetrics, Closed};

/// Clients have nothing to say, so nothing long.
pub const LARGEST_MESSAGE: usize = 4 * 1024;

/// What bounds the sockets of a replica.
#[derive(Clone, Copy, Debug)]
pub struct SocketLimits {
    /// How many there may be.
    pub connections: usize,
    /// How often a client is asked for a sign of life; one that has given none since the time before is closed.
    pub ping_every: Duration,
    /// How long a client may take to take a message.
    pub patience: Duration,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self { connections: 2_000, ping_every: Duration::from_secs(20), patience: Duration::from_secs(5) }
    }
}

/// The sockets of this replica.
#[derive(Clone, Debug)]
pub struct Sockets {
    hub: Hub,
    limits: SocketLimits,
    places: Arc<Semaphore>,
    metrics: CatalogMetrics,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// A place for one socket.
#[derive(Debug)]
pub struct Place(OwnedSemaphorePermit);

impl Sockets {
    /// Sockets that are told what the hub hears, until `stop`; `tasks` can be waited for.
    pub fn new(
        hub: Hub,
        limits: SocketLimits,
        metrics: CatalogMetrics,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self { hub, limits, places: Arc::new(Semaphore::new(limits.connections)), metrics, tasks, stop }
    }

    /// A place, if one is free.
    pub fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(Place)
    }

    /// What somebody gets who has seen everything up to `since`; none as long as this replica does not know.
    pub fn subscribe(&self, since: Option<i64>) -> Option<Subscription> {
        self.hub.subscribe(since)
    }

    /// Tells the client what happens until either side ends it.
    pub async fn serve(self, socket: WebSocket, subscription: Subscription, place: Place) {
        let (metrics, tasks) = (self.metrics.clone(), self.tasks.clone());
        let open = metrics.socket_opened();
        let reason = tasks.track_future(self.converse(socket, subscription)).await;
        metrics.socket_closed(reason);
        drop((open, place.0));
    }

    async fn converse(self, socket: WebSocket, subscription: Subscription) -> Closed {
        let Self { limits, stop, .. } = self;
        let (mut out, mut inward) = socket.split();
        let Subscription { last, missed, mut news } = subscription;
        let mut pings = tokio::time::interval_at(Instant::now() + limits.ping_every, limits.ping_every);
        let mut alive = true;
        let mut backlog = greeting(last, missed).into_iter();
        let reason = loop {
            let frame = match backlog.next() {
                Some(text) => Frame::Text(text),
                None => tokio::select! {
                    () = stop.cancelled() => break Closed::Stopping,
                    event = news.recv() => match event {
                        Ok(message) => Frame::Text(message.text),
                        Err(RecvError::Lagged(_)) => break Closed::TooSlow,
                        // The events begin anew; so does the client, when it comes back.
                        Err(RecvError::Closed) => break Closed::Stopping,
                    },
                    frame = inward.next() => match frame {
                        None | Some(Err(_) | Ok(Frame::Close(_))) => break Closed::ByClient,
                        Some(Ok(Frame::Text(_) | Frame::Binary(_) | Frame::Ping(_) | Frame::Pong(_))) => {
                            alive = true;
                            continue;
                        }
                    },
                    _ = pings.tick() => {
                        if !alive {
                            break Closed::Silent;
                        }
                        alive = false;
                        Frame::Ping(axum::body::Bytes::new())
                    }
                },
            };
            match timeout(limits.patience, out.send(frame)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => break Closed::ByClient,
                Err(_elapsed) => break Closed::TooSlow,
            }
        };
        if let Some(frame) = farewell(reason) {
            let _ = timeout(limits.patience.min(Duration::from_secs(1)), out.send(Frame::Close(Some(frame)))).await;
        }
        reason
    }
}

/// Where the client stands, and what it has missed. One that has missed what is not known any more has to read everything again.
fn greeting(last: i64, missed: Option<Vec<crate::hub::Message>>) -> Vec<Utf8Bytes> {
    let kind = if missed.is_some() { "hello" } else { "resync" };
    let hello = json!({"kind": kind, "seq": last}).to_string().into();
    // What was missed comes first: whoever has seen the greeting has seen everything up to its number.
    missed.into_iter().flatten().map(|message| message.text).chain([hello]).collect()
}

fn farewell(reason: Closed) -> Option<CloseFrame> {
    let (code, reason) = match reason {
        Closed::ByClient => return None,
        Closed::TooSlow => (close_code::AGAIN, "too slow: come back with since="),
        Closed::Silent => (close_code::POLICY, "no answer to pings"),
        Closed::Stopping => (close_code::AWAY, "this replica stops: come back with since="),
    };
    Some(CloseFrame { code, reason: reason.into() })
}
