//! Changes of what is cached, so that no step of them can be forgotten: the change is announced to the cache, made in a transaction with
//! whatever the cache could not be told of in the outbox, and the cache is told how it ended.

use std::fmt;

use serde::Deserialize as _;
use shop_cache::{Cache, Caches, Pending, Source};
use shop_runtime::db::is_unavailable;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use crate::{DeliveryError, Event, OutboxError, enqueue};

/// A change that has been announced. What it is made of is read after this; what it changes is changed in its transaction.
pub struct Change<S: Source> {
    db: PgPool,
    pending: Vec<Pending>,
    transaction: Option<Transaction<'static, Postgres>>,
    fate: Fate<S>,
}

/// How a change ends.
enum Fate<S: Source> {
    /// Nothing is changed.
    Unchanged,
    /// The commit was sent, and what became of it is not known.
    Unknown,
    /// It is committed, and these are the new values, as far as they are known.
    Committed(Vec<(S::Key, S::Value)>),
}

/// Announces a change of these keys, lets `work` make it, and tells the cache what became of it. Unless `work` calls
/// [`Change::commit`], its transaction is rolled back, whether it returns an error or not.
///
/// Should the commit be sent and its answer be lost, or should this be cancelled, the cache is not told of an end: it leaves the keys
/// alone for a while, since the database may still carry the change out.
pub async fn change<S, T, E>(
    db: &PgPool,
    cache: &Cache<S>,
    keys: Vec<S::Key>,
    work: impl AsyncFnOnce(&mut Change<S>) -> Result<T, E>,
) -> Result<T, E>
where
    S: Source,
{
    let write = cache.begin_write(keys).await;
    let mut change = Change { db: db.clone(), pending: write.pending(), transaction: None, fate: Fate::Unchanged };
    let result = work(&mut change).await;
    if let Some(transaction) = change.transaction.take() {
        // No commit was sent, so even if this fails nothing will have been changed.
        let _ = transaction.rollback().await;
    }
    match change.fate {
        Fate::Committed(values) => write.committed(values).await,
        Fate::Unchanged => write.rolled_back().await,
        Fate::Unknown => drop(write),
    }
    result
}

impl<S: Source> Change<S> {
    /// The change's transaction, begun when first asked for.
    pub async fn transaction(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let begun = match self.transaction.take() {
            Some(transaction) => transaction,
            None => self.db.begin().await?,
        };
        Ok(self.transaction.insert(begun))
    }

    /// Commits. The values are what a load would find now; a key whose value is not known is left out, and is loaded when it is read.
    pub async fn commit(&mut self, values: Vec<(S::Key, S::Value)>) -> Result<(), OutboxError> {
        let Some(mut transaction) = self.transaction.take() else { return Ok(()) };
        for pending in &self.pending {
            enqueue(&mut transaction, Pending::TOPIC, pending).await?;
        }
        self.fate = Fate::Unknown;
        transaction.commit().await?;
        self.fate = Fate::Committed(values);
        Ok(())
    }
}

impl<S: Source> Change<S> {
    /// Makes the whole change by one statement, which is its own transaction, and so one way to the database instead of three or more; with the
    /// values as in [`Change::commit`]. If the statement says that it has changed nothing (none), other ways are still open.
    pub async fn commit_by<T>(
        &mut self,
        statement: impl AsyncFnOnce(&mut PgConnection) -> Result<Option<T>, sqlx::Error>,
        values: impl FnOnce(&T) -> Vec<(S::Key, S::Value)>,
    ) -> Result<Option<T>, OutboxError> {
        if !self.pending.is_empty() || self.transaction.is_some() {
            // What the cache could not be told of has to be committed with it.
            let Some(changed) = statement(self.transaction().await?).await? else { return Ok(None) };
            let values = values(&changed);
            self.commit(values).await?;
            return Ok(Some(changed));
        }
        let mut connection = self.db.acquire().await?;
        self.fate = Fate::Unknown;
        let outcome = statement(&mut connection).await;
        self.fate = match &outcome {
            Ok(Some(changed)) => Fate::Committed(values(changed)),
            Err(error) if is_unavailable(error) => Fate::Unknown,
            // The database has said why it did not do it.
            Ok(None) | Err(_) => Fate::Unchanged,
        };
        Ok(outcome?)
    }
}

impl<S: Source> fmt::Debug for Change<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change").field("cache", &S::NAME).field("pending", &self.pending).finish_non_exhaustive()
    }
}

/// Delivers an event of an outbox that has nothing but invalidations.
pub async fn deliver(caches: Caches, event: Event) -> Result<(), DeliveryError> {
    if event.topic != Pending::TOPIC {
        return Err(format!("nobody is known who wants events of topic {}", event.topic).into());
    }
    let pending = Pending::deserialize(&event.payload)?;
    Ok(caches.carry_out(&pending, event.age()).await?)
}
