//! What a client is told: what it has missed, then what happens.

use std::collections::VecDeque;

use axum::extract::ws::Message as Frame;

use super::Conversation;
use super::introduction::Introduced;
use crate::hub::Message;
use crate::metrics::Closed;
use crate::sockets::own::Missed;
use crate::sockets::words;
use crate::store;

/// How many of the missed events are in its hands at a time.
const CHUNK: usize = 64;

impl Conversation<'_> {
    /// Tells what was missed, and where the client stands then.
    pub(super) async fn greet(&mut self) -> Result<(), Closed> {
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
    pub(super) async fn is_ahead(&mut self, since: i64) -> bool {
        let ahead = store::events::place(&self.parts().db).await.is_ok_and(|place| since <= place.last);
        if ahead {
            (self.last, self.seen) = (since, since);
        }
        ahead
    }

    /// Tells what is left of what a client had missed when it said who it is.
    pub(super) async fn finish(&mut self, introduced: Introduced) -> Result<(), Closed> {
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

    /// Tells everyone's events that were missed, and the client's own among them; whether all are known.
    pub(super) async fn replay(&mut self, since: i64, up_to: i64, own: &mut VecDeque<Message>) -> Result<bool, Closed> {
        let mut after = since;
        loop {
            let Some(chunk) = self.parts().hub.kept(after, up_to, CHUNK) else { return Ok(false) };
            let Some(last) = chunk.last() else { return Ok(true) };
            after = last.seq;
            self.pass_on(chunk, own).await?;
        }
    }

    /// Tells some events, and of the client's own those that come before the last of them.
    pub(super) async fn pass_on(&mut self, messages: Vec<Message>, own: &mut VecDeque<Message>) -> Result<(), Closed> {
        for message in messages {
            while let Some(first) = own.pop_front_if(|first| first.seq < message.seq) {
                self.deliver(first).await?;
            }
            self.deliver(message).await?;
        }
        Ok(())
    }

    pub(super) async fn deliver(&mut self, message: Message) -> Result<(), Closed> {
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
}
