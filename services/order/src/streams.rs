//! Customers who follow an order: the moves that they have not seen yet, as they happen, whichever replica makes them.
//!
//! A stream keeps nothing but the version that it has told of; what is new it reads from the history. So a client that reads slowly
//! costs no memory, and one that comes back (`Last-Event-ID`) goes on where it was, at any replica. Nobody is told more than whoever
//! asked anew with the same token: the stream ends with the token and with its session.

mod life;
mod listener;
mod places;

use std::time::Duration;

use futures::Stream;
use futures::stream::unfold;
use prometheus::IntGauge;
use shop_auth::{AuthState, Claims};
use shop_types::OrderId;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::domain::lifecycle;
use crate::orders::Orders;
use crate::store::moves::Step;
use life::Life;
use places::Place;
pub use places::{Places, TooManyStreams};

/// What bounds the streams of one replica.
#[derive(Clone, Copy, Debug)]
pub struct StreamLimits {
    /// Open streams in all.
    pub total: usize,
    /// Open streams of one customer.
    pub per_user: usize,
    /// How long a stream is silent at most. It also looks for moves then, should the news of one have been lost.
    pub heartbeat: Duration,
    /// How long a stream lives at most, however long its token is good: so a client which has vanished is forgotten.
    pub lifetime: Duration,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { total: 1000, per_user: 10, heartbeat: Duration::from_secs(15), lifetime: Duration::from_secs(600) }
    }
}

/// The streams of this replica.
#[derive(Clone, Debug)]
pub struct Streams {
    orders: Orders,
    places: Places,
    limits: StreamLimits,
    auth: AuthState,
    stop: CancellationToken,
}

/// What a stream tells.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    /// The order has moved.
    Moved(Step),
    /// Nothing has happened, but the stream is alive.
    Heartbeat,
    /// The stream ends although the order goes on: come back after so long.
    ComeBack(Duration),
}

impl Streams {
    /// Streams of these orders, for those whom `auth` believes, until `stop`.
    pub fn new(
        orders: Orders,
        limits: StreamLimits,
        active: IntGauge,
        auth: AuthState,
        stop: CancellationToken,
    ) -> Self {
        Self { orders, places: Places::new(limits.total, limits.per_user, active), limits, auth, stop }
    }

    /// Hears of the moves that any replica makes, until `stop`.
    pub async fn listen(self) {
        listener::listen(self.orders.db.clone(), self.places, self.stop).await;
    }

    /// Follows an order from the version on that the client has seen, as long as what the client said of itself can be believed.
    pub fn follow(
        &self,
        claims: Claims,
        id: OrderId,
        seen: i32,
    ) -> Result<impl Stream<Item = Told> + use<>, TooManyStreams> {
        let place = self.places.take(claims.sub, id)?;
        let life = Life::new(self.limits.lifetime, self.auth.clone(), claims, self.stop.clone());
        let follower = Follower { orders: self.orders.clone(), id, seen, place, heartbeat: self.limits.heartbeat };
        Ok(unfold(Some(Rest { life, follower, pending: Vec::new() }), next))
    }
}

/// The rest of a stream that has not ended.
struct Rest {
    life: Life,
    follower: Follower,
    /// Moves that were read and not told yet, the latest first.
    pending: Vec<Step>,
}

struct Follower {
    orders: Orders,
    id: OrderId,
    seen: i32,
    place: Place,
    heartbeat: Duration,
}

/// What the stream tells next.
async fn next(rest: Option<Rest>) -> Option<(Told, Option<Rest>)> {
    let mut rest = rest?;
    if rest.pending.is_empty() {
        let news = tokio::select! {
            biased;
            () = rest.life.over() => return Some((come_back(), None)),
            news = rest.follower.news() => news,
        };
        match news {
            Some(news) => rest.pending = news,
            None => return Some((Told::Heartbeat, Some(rest))),
        }
    }
    // Moves are read in a moment, but the client may take its time to take them.
    if rest.life.is_over() {
        return Some((come_back(), None));
    }
    let step = rest.pending.pop()?;
    rest.follower.seen = step.version;
    let rest = (!lifecycle::is_final(step.status)).then_some(rest);
    Some((Told::Moved(step), rest))
}

impl Follower {
    /// Moves that were not told yet, the latest first; waits for some, until it is time for a heartbeat.
    async fn news(&mut self) -> Option<Vec<Step>> {
        loop {
            // Before the history is looked at: what happens after it wakes us again.
            self.place.look();
            // While the database is away there is no news, but the client need not come back either.
            let mut news = self.orders.since(self.id, self.seen).await.unwrap_or_else(|error| {
                tracing::debug!(%error, "the moves of an order can't be read");
                Vec::new()
            });
            if !news.is_empty() {
                news.reverse();
                return Some(news);
            }
            timeout(self.heartbeat, self.place.woken()).await.ok()?;
        }
    }
}

/// Not all at the same time: whoever else followed an order here comes back too.
fn come_back() -> Told {
    let spread = uuid::Uuid::new_v4().as_bytes()[0];
    Told::ComeBack(Duration::from_millis(500 + 10 * u64::from(spread)))
}
