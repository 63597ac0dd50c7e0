//! The sockets of this replica: how many there may be, and what each may cost.

mod allowance;
mod conversation;
mod own;
mod words;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::WebSocket;
use shop_auth::AuthState;
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::hub::{Hub, News};
use crate::metrics::CatalogMetrics;
use conversation::Conversation;

/// The longest message that a client may send: an access token, and what is around it.
pub const LARGEST_MESSAGE: usize = 4 * 1024;

/// What bounds the sockets of a replica.
#[derive(Clone, Copy, Debug)]
pub struct SocketLimits {
    /// How many there may be.
    pub connections: usize,
    /// How many of them one customer may say to be his.
    pub of_customer: usize,
    /// How often a client is asked for a sign of life; one that has given none since the time before is closed.
    pub ping_every: Duration,
    /// How long a client may take to take a message.
    pub patience: Duration,
    /// How long a client that has said that it will may take to say who it is.
    pub introduction: Duration,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            connections: 1_000,
            of_customer: 20,
            ping_every: Duration::from_secs(20),
            patience: Duration::from_secs(5),
            introduction: Duration::from_secs(5),
        }
    }
}

/// What the sockets need beside their limits.
#[derive(Clone, Debug)]
pub struct SocketParts {
    /// What happens.
    pub hub: Hub,
    /// Where customers' own events are kept.
    pub db: PgPool,
    /// Who may hear of them.
    pub auth: AuthState,
    /// What is counted.
    pub metrics: CatalogMetrics,
    /// Waited for at the end.
    pub tasks: TaskTracker,
    /// The end.
    pub stop: CancellationToken,
}

/// The sockets of this replica.
#[derive(Clone, Debug)]
pub struct Sockets {
    parts: SocketParts,
    limits: SocketLimits,
    places: Arc<Semaphore>,
}

/// A place for one socket.
#[derive(Debug)]
pub struct Place(OwnedSemaphorePermit);

/// What a client has said when it came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arrival {
    /// The number of the last event that it has seen.
    pub since: Option<i64>,
    /// Whether its first message will say who it is.
    pub own: bool,
}

impl Sockets {
    /// Sockets that are told what the hub hears, until `stop`; `tasks` can be waited for.
    pub fn new(parts: SocketParts, limits: SocketLimits) -> Self {
        Self { parts, limits, places: Arc::new(Semaphore::new(limits.connections)) }
    }

    /// A place, if one is free.
    pub fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(Place)
    }

    /// What happens from now on, and the number behind which that is; none as long as this replica does not know.
    pub fn join(&self) -> Option<(i64, News)> {
        self.parts.hub.join()
    }

    /// Tells the client what happens until either side ends it.
    pub async fn serve(self, socket: WebSocket, arrival: Arrival, joined: (i64, News), place: Place) {
        let open = self.parts.metrics.socket_opened();
        let conversation = Conversation::new(&self, socket, arrival, joined);
        let reason = self.parts.tasks.track_future(conversation.hold()).await;
        self.parts.metrics.socket_closed(reason);
        drop((open, place.0));
    }
}
