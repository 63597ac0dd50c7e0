//! How many lists that are dear to read are read at a time: a crowd of broad searches must not take all connections to the database from
//! those who look at a product or pay for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many may wait for each that is read.
const WAITING: usize = 8;

/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(1);

/// The turns of one process.
#[derive(Clone, Debug)]
pub struct Turns {
    readers: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

/// The right to read one; whoever drops it lets the next one in.
#[derive(Debug)]
pub struct Turn {
    _reader: OwnedSemaphorePermit,
    _one_of_all: OwnedSemaphorePermit,
}

/// Too many are read and wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many dear lists are read at the moment")]
pub struct Crowded;

impl Turns {
    /// At most half of so many connections are for dear lists.
    pub fn of(connections: u32) -> Self {
        let readers = usize::try_from(connections / 2).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS / 16);
        Self { readers: Arc::new(Semaphore::new(readers)), all: Arc::new(Semaphore::new(readers * (1 + WAITING))) }
    }

    /// Waits for a turn; not for long, and not if too many others do.
    pub async fn take(&self) -> Result<Turn, Crowded> {
        let one_of_all = Arc::clone(&self.all).try_acquire_owned().map_err(|_| Crowded)?;
        match tokio::time::timeout(PATIENCE, Arc::clone(&self.readers).acquire_owned()).await {
            Ok(Ok(reader)) => Ok(Turn { _reader: reader, _one_of_all: one_of_all }),
            Ok(Err(_)) | Err(_) => Err(Crowded),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn half_of_the_connections_are_given_and_who_would_wait_too_long_is_told_so() {
        let turns = Turns::of(5);
        let held = [turns.take().await.expect("the first"), turns.take().await.expect("the second")];
        let (waited, late) = tokio::join!(join_all((0..2 * WAITING).map(|_| turns.take())), turns.take());
        assert!(waited.iter().all(Result::is_err), "nobody left within their patience");
        assert_eq!(late.expect_err("there is no place to wait"), Crowded);
        let (next, ()) = tokio::join!(turns.take(), async { drop(held) });
        next.expect("somebody has left");
        Turns::of(0).take().await.expect("there is always one");
    }
}
