//! Customers who follow an order: the moves that they have not seen yet, as they happen, whichever replica makes them.
//!
//! A stream keeps nothing but the version that it has told of; what is new it reads from the history. So a client that reads slowly
//! costs no memory, and one that comes back (`Last-Event-ID`) goes on where it was, at any replica.

mod listener;
mod places;

use std::time::Duration;

use futures::Stream;
use futures::stream::unfold;
use prometheus::IntGauge;
use shop_types::{OrderId, UserId};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::domain::lifecycle;
use crate::orders::Orders;
use crate::store::moves::Step;
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
    /// How long a stream lives at most: not longer than an access token, and so that a client which has vanished is forgotten.
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
    /// Streams of these orders, until `stop`.
    pub fn new(orders: Orders, limits: StreamLimits, active: IntGauge, stop: CancellationToken) -> Self {
        Self { orders, places: Places::new(limits.total, limits.per_user, active), limits, stop }
    }

    /// Hears of the moves that any replica makes, until `stop`.
    pub async fn listen(self) {
        listener::listen(self.orders.db.clone(), self.places, self.stop).await;
    }

    /// Follows an order from the version on that the client has seen.
    pub fn follow(
        &self,
        user: UserId,
        id: OrderId,
        seen: i32,
    ) -> Result<impl Stream<Item = Told> + use<>, TooManyStreams> {
        let place = self.places.take(user, id)?;
        let end = Instant::now() + self.limits.lifetime;
        let follower = Follower {
            orders: self.orders.clone(),
            id,
            seen,
            place,
            limits: self.limits,
            end,
            stop: self.stop.clone(),
        };
        Ok(unfold(Some((follower, Vec::new())), next))
    }
}

struct Follower {
    orders: Orders,
    id: OrderId,
    seen: i32,
    place: Place,
    limits: StreamLimits,
    end: Instant,
    stop: CancellationToken,
}

/// The rest of the stream; none once it has ended.
type Rest = Option<(Follower, Vec<Step>)>;

/// What the stream tells next. `pending` are moves that were read and not told yet, the latest first.
async fn next(rest: Rest) -> Option<(Told, Rest)> {
    let (mut follower, mut pending) = rest?;
    if pending.is_empty() {
        match follower.news().await {
            Ok(news) => pending = news,
            Err(told) => {
                let rest = matches!(told, Told::Heartbeat).then_some((follower, pending));
                return Some((told, rest));
            }
        }
    }
    let step = pending.pop()?;
    follower.seen = step.version;
    let rest = (!lifecycle::is_final(step.status)).then_some((follower, pending));
    Some((Told::Moved(step), rest))
}

impl Follower {
    /// Moves that were not told yet, the latest first; waits for some, or tells why there are none.
    async fn news(&mut self) -> Result<Vec<Step>, Told> {
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
                return Ok(news);
            }
            let heartbeat = Instant::now() + self.limits.heartbeat;
            tokio::select! {
                () = self.stop.cancelled() => return Err(come_back()),
                woken = timeout_at(heartbeat.min(self.end), self.place.woken()) => match woken {
                    Ok(()) => {}
                    Err(_) if Instant::now() >= self.end => return Err(come_back()),
                    Err(_) => return Err(Told::Heartbeat),
                },
            }
        }
    }
}

/// Not all at the same time: whoever else followed an order here comes back too.
fn come_back() -> Told {
    let spread = uuid::Uuid::new_v4().as_bytes()[0];
    Told::ComeBack(Duration::from_millis(500 + 10 * u64::from(spread)))
}
