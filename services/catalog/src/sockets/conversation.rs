//! Everything that a WebSocket does between its opening and its close.
//!
//! Events are told in the order of their numbers, so that the last number that a client has seen says all. There is one exception: a
//! client that says who it is in the middle is told then what it has missed of its own, which has lower numbers.

mod introduction;
mod telling;

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message as Frame, Utf8Bytes, WebSocket};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use shop_types::UserId;
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_tungstenite::tungstenite;

use super::allowance::Allowance;
use super::own::Own;
use super::words::{self, Introduction};
use super::{Arrival, SocketParts, Sockets};
use crate::hub::{Ended, News};
use crate::metrics::Closed;

/// How long a client may take to take the last word.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(1);

/// How long a client may take to take all that it has missed.
const REPLAY_PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether a token is still good.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Conversation<'a> {
    sockets: &'a Sockets,
    out: SplitSink<WebSocket, Frame>,
    inward: SplitStream<WebSocket>,
    arrival: Arrival,
    news: News,
    /// Everything up to this number was told, or will not be.
    last: i64,
    /// What the client has seen already that this replica has yet to hear of.
    seen: i64,
    own: Option<Own>,
    /// The customer who was told of his own before, and up to which number.
    former: Option<(UserId, i64)>,
    allowance: Allowance,
    refusals: u32,
    alive: bool,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(sockets: &'a Sockets, socket: WebSocket, arrival: Arrival, joined: (i64, News)) -> Self {
        let ((out, inward), (last, news)) = (socket.split(), joined);
        Self {
            sockets,
            out,
            inward,
            arrival,
            news,
            last,
            seen: i64::MIN,
            own: None,
            former: None,
            allowance: Allowance::new(),
            refusals: 0,
            alive: true,
        }
    }

    fn parts(&self) -> &'a SocketParts {
        &self.sockets.parts
    }

    /// Holds it until there is a reason to stop.
    pub(super) async fn hold(mut self) -> Closed {
        let Err(reason) = self.converse().await;
        let last_words = async {
            if reason == Closed::Stopping {
                let goodbye = words::goodbye(self.last, self.news.spread(Duration::from_secs(1)));
                self.out.send(Frame::Text(goodbye)).await?;
            }
            if let Some(frame) = words::farewell(reason) {
                self.out.send(Frame::Close(Some(frame))).await?;
            }
            Ok::<_, axum::Error>(())
        };
        let _ = timeout(FAREWELL_PATIENCE, last_words).await;
        reason
    }

    async fn converse(&mut self) -> Result<Infallible, Closed> {
        let stop = &self.parts().stop;
        let greeted = stop.run_until_cancelled(timeout(REPLAY_PATIENCE, self.greet())).await;
        greeted.ok_or(Closed::Stopping)?.map_err(|_elapsed| Closed::TooSlow)??;

        let every = self.sockets.limits.ping_every;
        let mut pings = tokio::time::interval_at(Instant::now() + every, every);
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Err(Closed::Stopping),
                message = self.news.next() => match message {
                    Ok(message) if message.seq <= self.seen => {}
                    Ok(message) => self.deliver(message).await?,
                    Err(Ended::Lagged) => return Err(Closed::TooSlow),
                    Err(Ended::Anew) => return Err(Closed::Stopping),
                },
                frame = self.inward.next() => {
                    if let Some(said) = self.understand(frame).await? {
                        self.introduce(said).await?;
                    }
                }
                _ = pings.tick() => {
                    if !self.alive {
                        return Err(Closed::Silent);
                    }
                    self.alive = false;
                    self.send(Frame::Ping(Bytes::new())).await?;
                }
                _ = looks.tick(), if self.own.is_some() => {
                    if let Some(ended) = self.own.as_ref().and_then(|own| own.ended(&self.parts().auth)) {
                        self.end_own(ended).await?;
                    }
                }
            }
        }
    }

    async fn send(&mut self, frame: Frame) -> Result<(), Closed> {
        match timeout(self.sockets.limits.patience, self.out.send(frame)).await {
            Ok(sent) => sent.map_err(|_| Closed::ByClient),
            Err(_elapsed) => Err(Closed::TooSlow),
        }
    }

    /// What the client has said, if it is worth an answer.
    async fn understand(&mut self, frame: Option<Result<Frame, axum::Error>>) -> Result<Option<Introduction>, Closed> {
        let frame = match frame {
            None | Some(Ok(Frame::Close(_))) => return Err(Closed::ByClient),
            Some(Err(error)) => return Err(unreadable(error)),
            Some(Ok(frame)) => frame,
        };
        self.alive = true;
        if !self.allowance.take() {
            return Err(Closed::TooMuch);
        }
        match frame {
            Frame::Text(text) => self.read(&text).await,
            Frame::Binary(_) => Err(Closed::Nonsense),
            Frame::Ping(_) | Frame::Pong(_) | Frame::Close(_) => Ok(None),
        }
    }

    async fn read(&mut self, text: &Utf8Bytes) -> Result<Option<Introduction>, Closed> {
        if let Ok(said) = serde_json::from_str(text) {
            return Ok(Some(said));
        }
        self.send(Frame::Text(words::not_understood())).await.map(|()| None)
    }
}

/// What it means that nothing can be read any more.
fn unreadable(error: axum::Error) -> Closed {
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => Closed::TooLong,
        Some(tungstenite::Error::Utf8(_)) => Closed::Nonsense,
        _ => Closed::ByClient,
    }
}
