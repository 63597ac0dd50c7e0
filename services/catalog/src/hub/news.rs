//! What one socket hears.

use std::time::Duration;

use shop_types::UserId;
use tokio::sync::mpsc;

use super::{Hub, Message, SocketNumber};

/// What happens from the moment on at which a socket has joined, until this is dropped.
#[derive(Debug)]
pub struct News {
    number: SocketNumber,
    beginning: u64,
    queue: mpsc::Receiver<Message>,
    /// Taken from the queue, but not asked for yet.
    next: Option<Message>,
    hub: Hub,
}

/// Why a socket hears nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was too far behind.
    Lagged,
    /// The events begin anew; so does the client, when it comes back.
    Anew,
}

impl News {
    pub(super) const fn new(number: SocketNumber, beginning: u64, queue: mpsc::Receiver<Message>, hub: Hub) -> Self {
        Self { number, beginning, queue, next: None, hub }
    }

    /// The next event. Nothing is lost if this is not waited for.
    pub async fn next(&mut self) -> Result<Message, Ended> {
        if let Some(message) = self.next.take() {
            return Ok(message);
        }
        match self.queue.recv().await {
            // Given up by the hub, so there would be a gap behind what is still in the queue.
            Some(_) if self.queue.is_closed() => Err(self.end()),
            Some(message) => Ok(message),
            None => Err(self.end()),
        }
    }

    fn end(&self) -> Ended {
        if self.hub.memory().beginning == self.beginning { Ended::Lagged } else { Ended::Anew }
    }

    /// From now on also hears of what only this customer may. Returns the number behind which that is, unless the customer has so many
    /// sockets already; and the events up to there that were not asked for yet.
    pub fn hear_of(&mut self, user: UserId, at_most: usize) -> Option<(i64, Vec<Message>)> {
        let mut memory = self.hub.memory();
        let last = memory.last?;
        memory.identify(self.number, None);
        if memory.users.get(&user).is_some_and(|sockets| sockets.len() >= at_most) {
            return None;
        }
        memory.identify(self.number, Some(user));
        drop(memory);
        let mut queued = Vec::new();
        while let Some(message) = self.next.take().or_else(|| self.queue.try_recv().ok()) {
            if message.seq > last {
                self.next = Some(message);
                break;
            }
            queued.push(message);
        }
        Some((last, queued))
    }

    /// A pause between none and so long, another one for each socket, in milliseconds.
    pub fn spread(&self, longest: Duration) -> u64 {
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        // A prime, so that neighbours are far apart.
        self.number.wrapping_mul(611_953) % millis.max(1)
    }

    /// From now on hears only of what everyone may.
    pub fn hear_of_nobody(&self) {
        self.hub.memory().identify(self.number, None);
    }
}

impl Drop for News {
    fn drop(&mut self) {
        self.hub.memory().leave(self.number);
    }
}
