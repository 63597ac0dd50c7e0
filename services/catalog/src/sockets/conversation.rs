//! Everything that a WebSocket does between its opening and its close.
//!
//! Events are told in the order of their numbers, so that the last number that a client has seen says all. There is one exception: a
//! client that says who it is in the middle is told then what it has missed of its own, which has lower numbers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message as Frame, Utf8Bytes, WebSocket};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use shop_auth::Claims;
use shop_types::UserId;
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_tungstenite::tungstenite;

use super::allowance::Allowance;
use super::own::{Missed, Own};
use super::words::{self, Introduction, OwnEnded, Refusal};
use super::{Arrival, SocketParts, Sockets};
use crate::hub::{Ended, Message, News};
use crate::metrics::{Authentication, Closed};
use crate::store;

/// How long a client may take to take the last word.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(1);

/// How long a client may take to take all that it has missed.
const REPLAY_PATIENCE: Duration = Duration::from_secs(30);

/// How many of the missed events are in its hands at a time.
const CHUNK: usize = 64;

/// How often it is looked whether a token is still good.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often a client may fail to say who it is.
const REFUSALS: u32 = 3;

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

/// What is to be told to a client that has said who it is.
#[derive(Debug, Default)]
struct Introduced {
    /// The number behind which it hears of its own as it happens; none if it does not.
    accepted_at: Option<i64>,
    /// What it was about to hear, up to there.
    queued: Vec<Message>,
    /// What it has missed of its own, up to there.
    missed: Missed,
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

    /// Tells what was missed, and where the client stands then.
    async fn greet(&mut self) -> Result<(), Closed> {
        let claims = if self.arrival.own { self.wait_for_introduction().await? } else { None };
        // What happened while the client said who it is: it comes after what was missed.
        let (joined_at, mut introduced) = (self.last, Introduced::default());
        if let Some(claims) = claims {
            introduced = self.identify(claims, self.arrival.since).await?;
        }
        let mut all = true;
        if let Some(since) = self.arrival.since {
            if since > joined_at {
                all = self.is_ahead(since).await;
            } else {
                // Should it end on the way, the client has seen up to where it has come.
                self.last = since;
                all = self.replay(since, joined_at, &mut introduced.missed.messages).await?;
                self.last = joined_at;
            }
            self.parts().metrics.socket_resumed(all);
        }
        self.finish(introduced).await?;
        self.send(Frame::Text(words::greeting(all, self.last))).await
    }

    /// Whether the client comes from a replica that was a moment faster to hear of things, and not from another database. It is told then
    /// only what it has not seen.
    async fn is_ahead(&mut self, since: i64) -> bool {
        let ahead = store::events::place(&self.parts().db).await.is_ok_and(|place| since <= place.last);
        if ahead {
            (self.last, self.seen) = (since, since);
        }
        ahead
    }

    /// Tells what is left of what a client had missed when it said who it is.
    async fn finish(&mut self, introduced: Introduced) -> Result<(), Closed> {
        let Introduced { accepted_at, mut queued, missed: Missed { mut messages, gap } } = introduced;
        queued.retain(|message| message.seq > self.seen);
        self.pass_on(queued, &mut messages).await?;
        for message in messages {
            self.deliver(message).await?;
        }
        let Some(seq) = accepted_at else { return Ok(()) };
        self.last = self.last.max(seq);
        self.send(Frame::Text(words::authenticated(!gap, self.last))).await
    }

    /// The claims of the first message, if they can be believed.
    async fn wait_for_introduction(&mut self) -> Result<Option<Claims>, Closed> {
        let patience = self.sockets.limits.introduction;
        let said = timeout(patience, async {
            loop {
                let frame = self.inward.next().await;
                if let Some(said) = self.understand(frame).await? {
                    return Ok(said);
                }
            }
        });
        match said.await {
            Ok(said) => self.believe(&said?).await,
            Err(_elapsed) => self.refuse(Refusal::NoToken).await.map(|()| None),
        }
    }

    /// The client says who it is, in the middle.
    async fn introduce(&mut self, said: Introduction) -> Result<(), Closed> {
        let Some(claims) = self.believe(&said).await? else { return Ok(()) };
        let user = claims.sub;
        if self.own.as_ref().is_some_and(|own| own.user() == user) {
            // Only another token: nothing was missed.
            self.own = Some(Own::new(claims, self.parts().metrics.socket_authenticated()));
            return self.send(Frame::Text(words::authenticated(true, self.last))).await;
        }
        let former = self.former.filter(|(former, _)| *former == user).map(|(_, seq)| seq);
        let since = said.since.or(former).or(self.arrival.since);
        let introduced = self.identify(claims, since).await?;
        self.finish(introduced).await
    }

    async fn believe(&mut self, said: &Introduction) -> Result<Option<Claims>, Closed> {
        match self.parts().auth.authenticate(&said.authenticate) {
            Ok(claims) => Ok(Some(claims)),
            Err(error) => {
                tracing::debug!(%error, "a socket's token is not good");
                self.refuse(Refusal::InvalidToken).await.map(|()| None)
            }
        }
    }

    /// From now on the client hears of its own. What it was about to hear, and what it has missed of its own behind `since`, is left to the
    /// caller to tell.
    async fn identify(&mut self, claims: Claims, since: Option<i64>) -> Result<Introduced, Closed> {
        let user = claims.sub;
        self.own = None;
        let Some((last, queued)) = self.news.hear_of(user, self.sockets.limits.of_customer) else {
            self.refuse(Refusal::TooManySockets).await?;
            return Ok(Introduced::default());
        };
        let missed = match since {
            Some(since) => Missed::of(&self.parts().db, user, since, last).await,
            None => Ok(Missed::default()),
        };
        match missed {
            Ok(missed) => {
                self.parts().metrics.authentication(Authentication::Accepted);
                self.own = Some(Own::new(claims, self.parts().metrics.socket_authenticated()));
                Ok(Introduced { accepted_at: Some(last), queued, missed })
            }
            Err(error) => {
                tracing::warn!(%error, "what a customer has missed can't be read");
                self.news.hear_of_nobody();
                self.refuse(Refusal::Unavailable).await?;
                Ok(Introduced { queued, ..Introduced::default() })
            }
        }
    }

    async fn refuse(&mut self, refusal: Refusal) -> Result<(), Closed> {
        self.parts().metrics.authentication(Authentication::Refused);
        self.send(Frame::Text(words::refused(refusal))).await?;
        self.refusals += u32::from(refusal != Refusal::Unavailable);
        if self.refusals >= REFUSALS { Err(Closed::Refused) } else { Ok(()) }
    }

    async fn end_own(&mut self, ended: OwnEnded) -> Result<(), Closed> {
        self.news.hear_of_nobody();
        self.former = self.own.take().map(|own| (own.user(), self.last));
        self.parts().metrics.authentication(Authentication::Ended);
        self.send(Frame::Text(words::own_ended(ended, self.last))).await
    }

    /// Tells everyone's events that were missed, and the client's own among them; whether all are known.
    async fn replay(&mut self, since: i64, up_to: i64, own: &mut VecDeque<Message>) -> Result<bool, Closed> {
        let mut after = since;
        loop {
            let Some(chunk) = self.parts().hub.kept(after, up_to, CHUNK) else { return Ok(false) };
            let Some(last) = chunk.last() else { return Ok(true) };
            after = last.seq;
            self.pass_on(chunk, own).await?;
        }
    }

    /// Tells some events, and of the client's own those that come before the last of them.
    async fn pass_on(&mut self, messages: Vec<Message>, own: &mut VecDeque<Message>) -> Result<(), Closed> {
        for message in messages {
            while let Some(first) = own.pop_front_if(|first| first.seq < message.seq) {
                self.deliver(first).await?;
            }
            self.deliver(message).await?;
        }
        Ok(())
    }

    async fn deliver(&mut self, message: Message) -> Result<(), Closed> {
        if let Some(only) = message.only {
            // It may have been on its way to somebody who was here before.
            let Some(own) = self.own.as_ref().filter(|own| own.user() == only) else { return Ok(()) };
            if let Some(ended) = own.ended(&self.parts().auth) {
                return self.end_own(ended).await;
            }
        }
        self.last = self.last.max(message.seq);
        self.send(Frame::Text(message.text)).await
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
