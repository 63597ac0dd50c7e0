//! The events of the shop, in the memory of this replica: heard from PostgreSQL, kept for those who come back, passed on to sockets.
//!
//! Redis has no part in this. What is lost on the way (a connection that breaks or falls silent) is found by its number.

mod listener;
mod news;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use shop_runtime::job::{self, Round};
use shop_types::UserId;
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use listener::listen;
pub use news::{Ended, News};

use crate::domain::event::{Audience, Event};
use crate::store;

/// How many of everyone's events are kept, in memory and in the database.
pub const KEPT: usize = 1_000;

/// Behind how many numbers customers' own events are forgotten. They are kept in the database only.
const OWN_KEPT: i64 = 500_000;

/// How many of them one transaction forgets.
const OWN_BATCH: i64 = 5_000;

/// How many events a socket may lag behind before it is given up. Each is kept once for all sockets.
const QUEUE: usize = 256;

/// How often the database forgets events that nobody will ask for.
const FORGET_EVERY: Duration = Duration::from_secs(600);

/// Makes the database forget old events until `stop`.
pub async fn forget(db: PgPool, stop: CancellationToken) {
    job::repeat("forgetting events", FORGET_EVERY, stop, || forget_some(&db)).await;
}

/// Makes the database forget events that nobody will ask for, a part at a time.
pub async fn forget_some(db: &PgPool) -> sqlx::Result<Round> {
    let mut transaction = db.begin().await?;
    store::events::hold(&mut *transaction).await?;
    store::events::forget(&mut *transaction, i64::try_from(KEPT).unwrap_or(i64::MAX)).await?;
    let own = store::own_events::forget(&mut *transaction, OWN_KEPT, OWN_BATCH).await?;
    transaction.commit().await?;
    Ok(if own == OWN_BATCH { Round::More } else { Round::Rest })
}

/// What happened, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The event's number.
    pub seq: i64,
    /// The only customer who may be told; none: everyone.
    pub only: Option<UserId>,
    /// The event as JSON.
    pub text: Utf8Bytes,
}

impl TryFrom<&Event> for Message {
    type Error = serde_json::Error;

    fn try_from(event: &Event) -> Result<Self, serde_json::Error> {
        let only = match event.audience {
            Audience::User(user) => Some(user),
            Audience::Everyone | Audience::EveryoneOnce(_) => None,
        };
        Ok(Self { seq: event.seq, only, text: serde_json::to_string(event)?.into() })
    }
}

/// The events of the shop. Clones are the same hub.
#[derive(Clone, Debug, Default)]
pub struct Hub(Arc<Mutex<Memory>>);

/// Numbers of sockets, given once.
type SocketNumber = u64;

/// What an event replaces: the former one of its kind and product.
type Subject = (String, i64);

#[derive(Debug, Default)]
struct Memory {
    /// The number of the last event; none until the database was asked for the first time.
    last: Option<i64>,
    /// How often it was begun.
    beginning: u64,
    /// Whoever has seen up to here has missed nothing of everyone's that is not kept.
    forgotten: i64,
    kept: BTreeMap<i64, (Message, Option<Subject>)>,
    latest: HashMap<Subject, i64>,
    sockets: HashMap<SocketNumber, Socket>,
    /// The sockets of customers who have said who they are.
    users: HashMap<UserId, Vec<SocketNumber>>,
    next: SocketNumber,
}

#[derive(Debug)]
struct Socket {
    queue: mpsc::Sender<Message>,
    user: Option<UserId>,
}

impl Hub {
    /// The number of the last event; none if the database was not reached yet.
    pub fn last(&self) -> Option<i64> {
        self.memory().last
    }

    /// A socket that is told of everything behind the number that is returned with it; none if the database was not reached yet.
    pub fn join(&self) -> Option<(i64, News)> {
        let mut memory = self.memory();
        let last = memory.last?;
        let (queue, received) = mpsc::channel(QUEUE);
        memory.next += 1;
        let number = memory.next;
        memory.sockets.insert(number, Socket { queue, user: None });
        Some((last, News::new(number, memory.beginning, received, self.clone())))
    }

    /// Everyone's events behind `after` and up to `up_to`, so many at most, in order; none if some of them are not known any more, or if
    /// there was no such number.
    pub fn kept(&self, after: i64, up_to: i64, at_most: usize) -> Option<Vec<Message>> {
        let memory = self.memory();
        // Numbers that were never given are those of another database, from before a restore perhaps.
        if after < memory.forgotten || memory.last.is_none_or(|last| after > last) {
            return None;
        }
        let kept = memory.kept.range(after.saturating_add(1)..).take_while(|(seq, _)| **seq <= up_to);
        Some(kept.take(at_most).map(|(_, (message, _))| message.clone()).collect())
    }

    /// Whether every socket has taken most of what it was sent.
    fn is_taken(&self) -> bool {
        self.memory().sockets.values().all(|socket| socket.queue.capacity() > QUEUE / 2)
    }

    /// Begins to remember with these events, or begins anew: what sockets have seen is not followed by what comes now, so they end.
    fn begin(&self, forgotten: i64, last: i64, events: &[Event]) {
        let mut memory = self.memory();
        let (beginning, next) = (memory.beginning + 1, memory.next);
        *memory = Memory { last: Some(last), forgotten, beginning, next, ..Memory::default() };
        for event in events.iter().filter(|event| event.seq <= last) {
            if let Ok(message) = Message::try_from(event) {
                memory.keep(message, subject(event));
            }
        }
    }

    /// Passes an event on, unless it was passed on before.
    fn publish(&self, event: &Event) {
        let Ok(message) = Message::try_from(event) else { return };
        let mut memory = self.memory();
        if memory.last.is_none_or(|last| event.seq <= last) {
            return;
        }
        memory.last = Some(event.seq);
        let told: Vec<_> = match message.only {
            None => memory.sockets.keys().copied().collect(),
            Some(user) => memory.users.get(&user).cloned().unwrap_or_default(),
        };
        for number in told {
            let full =
                memory.sockets.get(&number).is_some_and(|socket| socket.queue.try_send(message.clone()).is_err());
            if full {
                // The end of its queue is how it hears of that.
                memory.leave(number);
            }
        }
        if message.only.is_none() {
            memory.keep(message, subject(event));
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn subject(event: &Event) -> Option<Subject> {
    match event.audience {
        Audience::EveryoneOnce(product) => Some((event.kind.clone(), product)),
        Audience::Everyone | Audience::User(_) => None,
    }
}

impl Memory {
    fn keep(&mut self, message: Message, subject: Option<Subject>) {
        let seq = message.seq;
        if let Some(replaced) = subject.clone().and_then(|subject| self.latest.insert(subject, seq)) {
            self.kept.remove(&replaced);
        }
        self.kept.insert(seq, (message, subject));
        while self.kept.len() > KEPT {
            let Some((oldest, (_, subject))) = self.kept.pop_first() else { return };
            self.forgotten = oldest;
            if let Some(subject) = subject {
                self.latest.remove(&subject);
            }
        }
    }

    /// From now on the socket hears of what only this customer may, or of nobody's.
    fn identify(&mut self, number: SocketNumber, user: Option<UserId>) {
        let Some(socket) = self.sockets.get_mut(&number) else { return };
        let former = std::mem::replace(&mut socket.user, user);
        if let Some(former) = former
            && let Some(numbers) = self.users.get_mut(&former)
        {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.users.remove(&former);
            }
        }
        if let Some(user) = user {
            self.users.entry(user).or_default().push(number);
        }
    }

    fn leave(&mut self, number: SocketNumber) {
        self.identify(number, None);
        self.sockets.remove(&number);
    }
}
