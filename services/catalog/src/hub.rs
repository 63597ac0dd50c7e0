//! The events of the shop, in the memory of this replica: heard from PostgreSQL, kept for those who come back, passed on to sockets.
//!
//! Redis has no part in this. What is lost on the way (a connection that breaks or falls silent) is found by its number.

mod listener;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use shop_runtime::job::{self, Round};
use sqlx::PgPool;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

pub use listener::listen;

use crate::domain::event::Event;
use crate::store;

/// How many events are kept, in memory and in the database.
pub const KEPT: usize = 1_000;

/// How many events a socket may lag behind before it is given up. Each is kept once for all sockets.
const QUEUE: usize = 256;

/// How often the database forgets events that nobody will ask for.
const FORGET_EVERY: Duration = Duration::from_secs(600);

/// Makes the database forget old events until `stop`.
pub async fn forget(db: PgPool, stop: CancellationToken) {
    job::repeat("forgetting events", FORGET_EVERY, stop, || async {
        store::events::forget(&db, i64::try_from(KEPT).unwrap_or(i64::MAX)).await?;
        Ok::<_, sqlx::Error>(Round::Rest)
    })
    .await;
}

/// What happened, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The event's number.
    pub seq: i64,
    /// The event as JSON.
    pub text: Utf8Bytes,
}

/// What a socket gets that comes and says what it has seen.
#[derive(Debug)]
pub struct Subscription {
    /// The number of the last event so far.
    pub last: i64,
    /// What it has missed; none if that is not known any more.
    pub missed: Option<Vec<Message>>,
    /// What happens from now on.
    pub news: broadcast::Receiver<Message>,
}

/// The events of the shop. Clones are the same hub.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Mutex<Memory>>);

#[derive(Debug)]
struct Memory {
    /// None until the database was asked for the first time.
    last: Option<i64>,
    kept: VecDeque<Message>,
    news: broadcast::Sender<Message>,
}

impl Default for Hub {
    fn default() -> Self {
        let news = broadcast::Sender::new(QUEUE);
        Self(Arc::new(Mutex::new(Memory { last: None, kept: VecDeque::new(), news })))
    }
}

impl Hub {
    /// The number of the last event; none if the database was not reached yet.
    pub fn last(&self) -> Option<i64> {
        self.memory().last
    }

    /// What somebody gets who has seen everything up to `since`, or nothing at all; none if the database was not reached yet.
    /// Nothing that happens at the same time is missing or comes twice.
    pub fn subscribe(&self, since: Option<i64>) -> Option<Subscription> {
        let memory = self.memory();
        let last = memory.last?;
        let missed = match since {
            None => Some(Vec::new()),
            // Numbers that were never given are those of another database, from before a restore perhaps.
            Some(since) if since > last || since < last - memory.kept_behind() => None,
            Some(since) => Some(memory.kept.iter().filter(|message| message.seq > since).cloned().collect()),
        };
        Some(Subscription { last, missed, news: memory.news.subscribe() })
    }

    /// Begins to remember behind this number, or begins anew: what sockets have seen is not followed by what comes now, so they end.
    fn begin(&self, last: i64) {
        let mut memory = self.memory();
        memory.last = Some(last);
        memory.kept.clear();
        memory.news = broadcast::Sender::new(QUEUE);
    }

    /// Passes an event on, unless it was passed on before.
    fn publish(&self, event: &Event) {
        let Ok(text) = serde_json::to_string(event) else { return };
        let mut memory = self.memory();
        if memory.last.is_none_or(|last| event.seq <= last) {
            return;
        }
        let message = Message { seq: event.seq, text: text.into() };
        memory.last = Some(event.seq);
        memory.kept.push_back(message.clone());
        if memory.kept.len() > KEPT {
            memory.kept.pop_front();
        }
        // Nobody listening is no error.
        let _ = memory.news.send(message);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// How many events behind the last are known.
    fn kept_behind(&self) -> i64 {
        self.kept.len().try_into().unwrap_or(i64::MAX)
    }
}
