//! A client says who it is, and hears of its own from then on.

use axum::extract::ws::Message as Frame;
use futures::StreamExt as _;
use shop_auth::{Claims, VerifyError};
use tokio::time::timeout;

use super::Conversation;
use crate::hub::Message;
use crate::metrics::{Authentication, Closed};
use crate::sockets::own::{Missed, Own};
use crate::sockets::words::{self, Introduction, OwnEnded, Refusal};

/// How often a client may fail to say who it is.
const REFUSALS: u32 = 3;

/// What is to be told to a client that has said who it is.
#[derive(Debug, Default)]
pub(super) struct Introduced {
    /// The number behind which it hears of its own as it happens; none if it does not.
    pub(super) accepted_at: Option<i64>,
    /// What it was about to hear, up to there.
    pub(super) queued: Vec<Message>,
    /// What it has missed of its own, up to there.
    pub(super) missed: Missed,
}

impl Conversation<'_> {
    /// The claims of the first message, if they can be believed.
    pub(super) async fn wait_for_introduction(&mut self) -> Result<Option<Claims>, Closed> {
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
    pub(super) async fn introduce(&mut self, said: Introduction) -> Result<(), Closed> {
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

    pub(super) async fn believe(&mut self, said: &Introduction) -> Result<Option<Claims>, Closed> {
        match self.parts().auth.authenticate(&said.authenticate).await {
            Ok(claims) => Ok(Some(claims)),
            Err(VerifyError::NotKnownYet(_)) => self.refuse(Refusal::Unavailable).await.map(|()| None),
            Err(error) => {
                tracing::debug!(%error, "a socket's token is not good");
                self.refuse(Refusal::InvalidToken).await.map(|()| None)
            }
        }
    }

    /// From now on the client hears of its own. What it was about to hear, and what it has missed of its own behind `since`, is left to the
    /// caller to tell.
    pub(super) async fn identify(&mut self, claims: Claims, since: Option<i64>) -> Result<Introduced, Closed> {
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

    pub(super) async fn refuse(&mut self, refusal: Refusal) -> Result<(), Closed> {
        self.parts().metrics.authentication(Authentication::Refused);
        self.send(Frame::Text(words::refused(refusal))).await?;
        self.refusals += u32::from(refusal != Refusal::Unavailable);
        if self.refusals >= REFUSALS { Err(Closed::Refused) } else { Ok(()) }
    }

    pub(super) async fn end_own(&mut self, ended: OwnEnded) -> Result<(), Closed> {
        self.news.hear_of_nobody();
        self.former = self.own.take().map(|own| (own.user(), self.last));
        self.parts().metrics.authentication(Authentication::Ended);
        self.send(Frame::Text(words::own_ended(ended, self.last))).await
    }
}
