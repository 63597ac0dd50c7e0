//! Sessions that were ended while access tokens of theirs are still good.
//!
//! Access tokens are believed without asking anybody, so every process keeps the short list of those that should not be any more: the
//! sessions that were ended within the lifetime of an access token. It is pulled from the user service every second, and what was
//! pulled stays in force while that is away. A process that has just started knows of nothing until it has pulled the whole list once, so until
//! then it can't believe a token that belongs to a session ([`Revocations::known`]): a restart in a bad moment must not open what was closed.

use std::collections::HashMap;
use std::fmt::Display;
use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shop_runtime::client::Sibling;
use shop_runtime::deadline;
use shop_runtime::job::{self, Round};
use shop_types::SessionId;
use time::OffsetDateTime;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// Where the user service tells of ended sessions.
pub const REVOCATIONS_PATH: &str = "/internal/revocations";

/// The time between two pulls.
const PULL_EVERY: Duration = Duration::from_secs(1);

/// After so many pulls, what is over is forgotten.
const FORGET_EVERY: u32 = 60;

/// How long a request waits for the first list: long enough for a process that has just started, beside one that has too.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many requests may wait for it at a time; more are turned away at once.
const WAITING: usize = 64;

/// An ended session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Which.
    pub session: SessionId,
    /// When the last of its access tokens is over, in seconds since 1970: until then it has to be remembered.
    pub until: i64,
}

/// Ended sessions, in the order in which they became known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationPage {
    /// Those after the number that was asked for.
    pub revocations: Vec<Revocation>,
    /// The number to ask for next.
    pub seq: i64,
    /// Whether there are more of them now.
    pub more: bool,
}

/// The ended sessions that this process knows of.
#[derive(Clone, Debug, Default)]
pub struct Revocations(Arc<Known>);

#[derive(Debug)]
struct Known {
    sessions: RwLock<HashMap<SessionId, i64>>,
    seq: AtomicI64,
    pulls: AtomicU32,
    /// Whether the whole list was pulled once, or is not pulled at all.
    complete: watch::Sender<bool>,
    waiting: Semaphore,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            sessions: RwLock::default(),
            seq: AtomicI64::default(),
            pulls: AtomicU32::default(),
            complete: watch::Sender::new(true),
            waiting: Semaphore::new(WAITING),
        }
    }
}

/// The list of ended sessions was not pulled yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sessions that were ended are not known yet")]
pub struct NotKnownYet;

impl Revocations {
    /// Waits a moment for the first list, if it is still to come.
    pub async fn known(&self) -> Result<(), NotKnownYet> {
        if self.is_complete() {
            return Ok(());
        }
        let _place = self.0.waiting.try_acquire().map_err(|_| NotKnownYet)?;
        let mut complete = self.0.complete.subscribe();
        let patience = deadline::remaining().map_or(PATIENCE, |left| PATIENCE.min(left / 2));
        match tokio::time::timeout(patience, complete.wait_for(|complete| *complete)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(NotKnownYet),
        }
    }

    fn is_complete(&self) -> bool {
        *self.0.complete.borrow()
    }

    /// Whether the session was ended.
    pub fn contains(&self, session: SessionId) -> bool {
        // Every change is complete before anything can panic, so a poisoned lock still guards sound data.
        self.0.sessions.read().unwrap_or_else(PoisonError::into_inner).contains_key(&session)
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.0.sessions.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Notes ended sessions at once, for the process that ends them.
    pub fn note(&self, revocations: impl IntoIterator<Item = Revocation>) {
        let mut sessions = self.0.sessions.write().unwrap_or_else(PoisonError::into_inner);
        sessions.extend(revocations.into_iter().map(|Revocation { session, until }| (session, until)));
    }

    /// Pulls from the user service every second until `stop`. Nothing is known from this call on, until the first list is there.
    pub fn follow(self, users: Sibling, stop: CancellationToken) -> impl Future<Output = ()> + Send {
        let page = move |since| {
            let users = users.clone();
            async move { users.get(&format!("{REVOCATIONS_PATH}?since={since}")).await }
        };
        self.follow_by(page, stop)
    }

    /// Pulls in another way, every second until `stop`: the user service asks its own database.
    pub fn follow_by<F, E>(
        self,
        page: impl Fn(i64) -> F + Send + Sync,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send
    where
        F: Future<Output = Result<RevocationPage, E>> + Send,
        E: Display + Send,
    {
        self.0.complete.send_replace(false);
        async move {
            let (revocations, page) = (&self, &page);
            let pull = || async move {
                match page(revocations.0.seq.load(Ordering::Relaxed)).await {
                    Ok(page) => Ok(if revocations.take(page) { Round::More } else { Round::Rest }),
                    // Somebody may wait for the first list, so the pauses do not grow.
                    Err(error) if !revocations.is_complete() => {
                        tracing::warn!(%error, "ended sessions are not known yet, so nobody who has logged in is believed");
                        Ok(Round::Rest)
                    }
                    Err(error) => Err(error),
                }
            };
            job::repeat("pull revocations", PULL_EVERY, stop, pull).await;
        }
    }

    /// Takes over what was pulled; whether there is more.
    fn take(&self, page: RevocationPage) -> bool {
        self.note(page.revocations);
        let since = self.0.seq.swap(page.seq, Ordering::Relaxed);
        if self.0.pulls.fetch_add(1, Ordering::Relaxed).is_multiple_of(FORGET_EVERY) {
            self.forget(OffsetDateTime::now_utc().unix_timestamp());
        }
        // A number that goes back is that of another database, such as one from a backup: it is read from its beginning.
        if page.seq < since {
            self.0.seq.store(0, Ordering::Relaxed);
            return true;
        }
        if !page.more {
            self.0.complete.send_if_modified(|complete| !std::mem::replace(complete, true));
        }
        page.more
    }

    fn forget(&self, now: i64) {
        let mut sessions = self.0.sessions.write().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, until| *until > now);
        sessions.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(sessions: &[SessionId], seq: i64, more: bool) -> RevocationPage {
        let until = OffsetDateTime::now_utc().unix_timestamp() + 60;
        RevocationPage {
            revocations: sessions.iter().map(|&session| Revocation { session, until }).collect(),
            seq,
            more,
        }
    }

    #[test]
    fn what_was_pulled_is_known_until_its_last_token_is_over() {
        let (revocations, session) = (Revocations::default(), SessionId::generate());
        assert!(!revocations.contains(session));
        assert!(revocations.take(page(&[session], 1, true)));
        assert!(!revocations.take(page(&[SessionId::generate()], 2, false)));
        assert!(revocations.contains(session));
        let now = OffsetDateTime::now_utc().unix_timestamp();
        revocations.forget(now);
        assert_eq!(revocations.len(), 2);
        revocations.forget(now + 61);
        assert!(revocations.is_empty());
    }

    #[test]
    fn a_database_that_counts_from_the_beginning_is_read_from_the_beginning() {
        let revocations = Revocations::default();
        assert!(!revocations.take(page(&[], 7, false)));
        assert!(revocations.take(page(&[], 3, false)), "it asks again");
        assert_eq!(revocations.0.seq.load(Ordering::Relaxed), 0);
        assert!(!revocations.take(page(&[], 3, false)));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_known_until_the_whole_list_was_pulled_once() {
        let (revocations, stop) = (Revocations::default(), CancellationToken::new());
        assert_eq!(revocations.known().await, Ok(()), "nothing is to come");
        let answers = std::sync::Mutex::new(vec![
            Ok(page(&[], 2, false)),
            Ok(page(&[SessionId::generate()], 1, true)),
            Err("away"),
            Err("away"),
            Err("away"),
        ]);
        let pull = |_| std::future::ready(answers.lock().expect("no panic").pop().unwrap_or(Ok(page(&[], 2, false))));
        let following = revocations.clone().follow_by(pull, stop.clone());
        assert_eq!(revocations.known().await, Err(NotKnownYet), "before the first pull");
        let crowd = futures::future::join_all((0..WAITING).map(|_| revocations.known()));
        let tests = async {
            let (crowd, late) = tokio::join!(crowd, revocations.known());
            assert!(crowd.iter().all(Result::is_err), "two of them are too impatient");
            assert_eq!(late, Err(NotKnownYet), "there are too many of them");
            assert_eq!(revocations.known().await, Ok(()));
            assert_eq!(revocations.len(), 1);
            stop.cancel();
        };
        tokio::join!(following, tests);
    }

    #[tokio::test(start_paused = true)]
    async fn pulling_goes_on_from_where_it_was_and_survives_failures() {
        let (revocations, stop) = (Revocations::default(), CancellationToken::new());
        let asked = std::sync::Mutex::new(Vec::new());
        let pull = async |since: i64| {
            let mut asked = asked.lock().expect("no panic");
            asked.push(since);
            match asked.len() {
                1 => Ok(page(&[SessionId::generate()], 1, true)),
                2 => Err("away"),
                3 => Ok(page(&[SessionId::generate()], 2, false)),
                _ => {
                    stop.cancel();
                    Ok(page(&[], 2, false))
                }
            }
        };
        revocations.clone().follow_by(pull, stop.clone()).await;
        assert_eq!(*asked.lock().expect("no panic"), [0, 1, 1, 2]);
        assert_eq!(revocations.len(), 2);
    }
}
