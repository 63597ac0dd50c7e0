//! What only the client's own customer may hear.

use std::collections::VecDeque;

use shop_auth::{AuthState, Claims};
use shop_types::UserId;
use sqlx::PgPool;

use super::words::OwnEnded;
use crate::hub::Message;
use crate::metrics::OpenSocket;
use crate::store;

/// How many events of his own a customer is told who comes back; with more there is a gap.
const REPLAYED: usize = 200;

/// The customer who listens.
#[derive(Debug)]
pub(super) struct Own {
    claims: Claims,
    _counted: OpenSocket,
}

impl Own {
    pub(super) const fn new(claims: Claims, counted: OpenSocket) -> Self {
        Self { claims, _counted: counted }
    }

    pub(super) const fn user(&self) -> UserId {
        self.claims.sub
    }

    /// Whether the token that was good is not any more.
    pub(super) fn ended(&self, auth: &AuthState) -> Option<OwnEnded> {
        if auth.still_believes(&self.claims) {
            None
        } else if self.claims.is_over() {
            Some(OwnEnded::Expired)
        } else {
            Some(OwnEnded::Revoked)
        }
    }
}

/// What a customer has missed of his own.
#[derive(Debug, Default)]
pub(super) struct Missed {
    pub(super) messages: VecDeque<Message>,
    /// Whether there was more, which is not known any more.
    pub(super) gap: bool,
}

impl Missed {
    /// What came behind a number, up to another.
    pub(super) async fn of(db: &PgPool, user: UserId, since: i64, up_to: i64) -> sqlx::Result<Self> {
        let at_most = i64::try_from(REPLAYED).unwrap_or(i64::MAX);
        let events = store::own_events::between(db, user, since, up_to, at_most.saturating_add(1)).await?;
        // Asked afterwards: what is forgotten in between makes a gap that is none, and not the other way round.
        let place = store::events::place(db).await?;
        let skipped = events.len().saturating_sub(REPLAYED);
        let messages = events.iter().skip(skipped).filter_map(|event| Message::try_from(event).ok()).collect();
        Ok(Self { messages, gap: skipped > 0 || since < place.own_forgotten || since > place.last })
    }
}
