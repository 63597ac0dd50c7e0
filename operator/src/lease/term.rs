//! Until when this replica may write, and which of its writes have no answer yet.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use super::clock::Moment;

/// Until when this replica may write. Clones are of one and the same term.
#[derive(Clone, Debug)]
pub struct Term {
    shared: Arc<Shared>,
    /// A write is begun only with so much of it left.
    spare: Duration,
}

#[derive(Debug)]
struct Shared {
    end: AtomicU64,
    /// Writes that were begun and have no answer yet.
    open: watch::Sender<usize>,
    /// When it was last given up to wait for a write's answer.
    doubt: AtomicU64,
}

/// A write was refused before it was sent, as this replica does not hold the Lease with time to spare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing is written, as this replica does not hold the Lease with time to spare")]
pub struct TermOver;

/// A write that was begun. Dropped without an answer, it is doubtful whether the API server does it.
#[derive(Debug)]
pub struct Write {
    shared: Arc<Shared>,
    answered: bool,
}

impl Term {
    /// One that has not begun, for a Lease of this duration.
    pub fn new(duration: Duration) -> Self {
        let shared = Shared { end: AtomicU64::new(0), open: watch::Sender::new(0), doubt: AtomicU64::new(0) };
        Self { shared: Arc::new(shared), spare: duration / 6 }
    }

    /// Begins a write.
    pub fn begin(&self) -> Result<Write, TermOver> {
        // Counted first, so that whoever ends the term either makes this fail or sees it.
        self.shared.open.send_modify(|open| *open += 1);
        let write = Write { shared: self.shared.clone(), answered: false };
        if self.left() < self.spare {
            write.answered();
            return Err(TermOver);
        }
        Ok(write)
    }

    /// How much of it is left.
    pub fn left(&self) -> Duration {
        Moment::now().until(Moment::from_nanos(self.shared.end.load(Ordering::SeqCst)))
    }

    pub(super) fn lasts_until(&self, end: Moment) {
        self.shared.end.store(end.nanos(), Ordering::SeqCst);
    }

    pub(super) fn end(&self) {
        self.shared.end.store(0, Ordering::SeqCst);
    }

    /// Ends it and waits until no write is open. Whether the API server has nothing of ours left to do, as far as can be known: every
    /// write of the last while was answered.
    pub(super) async fn settle(&self, while_: Duration) -> bool {
        self.end();
        // The sender lives as long as self, so this cannot fail; and every write has a limit.
        let _ = self.shared.open.subscribe().wait_for(|open| *open == 0).await;
        let doubt = self.shared.doubt.load(Ordering::SeqCst);
        doubt == 0 || Moment::from_nanos(doubt).after(while_) <= Moment::now()
    }
}

impl Write {
    /// The API server has answered.
    pub fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        if !self.answered {
            self.shared.doubt.store(Moment::now().nanos(), Ordering::SeqCst);
        }
        self.shared.open.send_modify(|open| *open -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DURATION: Duration = Duration::from_secs(600);

    fn begun() -> Term {
        let term = Term::new(DURATION);
        term.lasts_until(Moment::now().after(DURATION));
        term
    }

    #[test]
    fn nothing_may_be_written_before_it_begins_and_after_it_ended() {
        assert_eq!(Term::new(DURATION).begin().unwrap_err(), TermOver);
        let term = begun();
        term.clone().begin().unwrap().answered();
        term.end();
        assert_eq!(term.begin().unwrap_err(), TermOver);
    }

    #[test]
    fn a_write_is_not_begun_with_little_time_left() {
        let term = begun();
        term.lasts_until(Moment::now().after(DURATION / 6));
        assert_eq!(term.begin().unwrap_err(), TermOver);
        assert!(!term.left().is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_settled_only_when_every_write_was_answered() {
        let term = begun();
        let write = term.begin().unwrap();
        let waits = tokio::time::timeout(Duration::from_secs(60), term.settle(DURATION)).await;
        assert!(waits.is_err(), "a write is open");
        write.answered();
        assert!(term.settle(DURATION).await);
    }

    #[tokio::test]
    async fn a_write_without_an_answer_leaves_it_in_doubt_for_a_while() {
        let term = begun();
        drop(term.begin().unwrap());
        assert!(!term.settle(DURATION).await);
        assert!(term.settle(Duration::ZERO).await);
    }
}
