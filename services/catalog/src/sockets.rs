//! Everything that a WebSocket does between its opening and its close. Clients only listen: what they send is not looked at.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message as Frame, Utf8Bytes, WebSocket, close_code};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::hub::{Hub, Message, Subscription};
use crate::metrics::{CatalogMetrics, Closed};

/// Clients have nothing to say, so nothing long.
pub const LARGEST_MESSAGE: usize = 4 * 1024;

/// How long a client may take to take the last word.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(1);

type Out = SplitSink<WebSocket, Frame>;
type In = SplitStream<WebSocket>;

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
        Self { connections: 1_000, ping_every: Duration::from_secs(20), patience: Duration::from_secs(5) }
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
        let (mut out, inward) = socket.split();
        let Err(reason) = self.tell(&mut out, inward, subscription).await;
        if let Some(frame) = farewell(reason) {
            let _ = timeout(FAREWELL_PATIENCE, out.send(Frame::Close(Some(frame)))).await;
        }
        reason
    }

    /// Sends what was missed and then what happens, for as long as there is no reason to stop.
    async fn tell(&self, out: &mut Out, mut inward: In, subscription: Subscription) -> Result<Infallible, Closed> {
        let Subscription { last, missed, mut news } = subscription;
        for text in greeting(last, missed) {
            self.send(out, Frame::Text(text)).await?;
        }
        let every = self.limits.ping_every;
        let mut pings = tokio::time::interval_at(Instant::now() + every, every);
        let mut alive = true;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Err(Closed::Stopping),
                event = news.recv() => match event {
                    Ok(message) => self.send(out, Frame::Text(message.text)).await?,
                    Err(RecvError::Lagged(_)) => return Err(Closed::TooSlow),
                    // The events begin anew; so does the client, when it comes back.
                    Err(RecvError::Closed) => return Err(Closed::Stopping),
                },
                frame = inward.next() => match frame {
                    None | Some(Err(_) | Ok(Frame::Close(_))) => return Err(Closed::ByClient),
                    Some(Ok(Frame::Text(_) | Frame::Binary(_) | Frame::Ping(_) | Frame::Pong(_))) => alive = true,
                },
                _ = pings.tick() => {
                    if !alive {
                        return Err(Closed::Silent);
                    }
                    alive = false;
                    self.send(out, Frame::Ping(Bytes::new())).await?;
                }
            }
        }
    }

    async fn send(&self, out: &mut Out, frame: Frame) -> Result<(), Closed> {
        match timeout(self.limits.patience, out.send(frame)).await {
            Ok(sent) => sent.map_err(|_| Closed::ByClient),
            Err(_elapsed) => Err(Closed::TooSlow),
        }
    }
}

/// Where the client stands, and what it has missed. One that has missed what is not known any more has to read everything again.
fn greeting(last: i64, missed: Option<Vec<Message>>) -> Vec<Utf8Bytes> {
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
