//! A checkout from its request to its answer: begun in one transaction, driven in a task of its own, answered to everyone who asks
//! with the same key.
//!
//! The task outlives the request: a client that hangs up does not leave an order half made.

mod begin;
mod driver;

use std::sync::Arc;
use std::time::Duration;

use shop_runtime::conditional::IfMatch;
use shop_runtime::rate_limit::RateLimiter;
use shop_runtime::{Context, traced};
use shop_types::{OrderId, UserId};
use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use self::begin::{Begun, Wish};
pub use self::driver::{Driver, Timing};
use crate::domain::checkout::{Answer, Checkout, CheckoutRequest};
use crate::domain::idempotency::{Fingerprint, IdempotencyKey};
use crate::error::Error;
use crate::metrics::{CartMetrics, Operation};
use crate::store;

/// Pauses between two looks at a checkout that someone else drives.
const FIRST_LOOK: Duration = Duration::from_millis(15);
const LAST_LOOK: Duration = Duration::from_millis(250);

/// Takes requests for checkouts and answers them.
#[derive(Clone, Debug)]
pub struct Checkouts {
    db: PgPool,
    driver: Arc<Driver>,
    wait: Duration,
    limiter: RateLimiter,
    metrics: CartMetrics,
    tasks: TaskTracker,
}

impl Checkouts {
    /// Requests wait up to `wait` for their answer; what is driven is driven among `tasks`.
    pub const fn new(
        db: PgPool,
        driver: Arc<Driver>,
        wait: Duration,
        limiter: RateLimiter,
        metrics: CartMetrics,
        tasks: TaskTracker,
    ) -> Self {
        Self { db, driver, wait, limiter, metrics, tasks }
    }

    /// Orders what is in the cart, or finds out what became of the checkout that was begun under this key.
    ///
    /// The versions that the request is `seen` to be meant for count when it comes for the first time only: a retry is not refused for
    /// what the checkout itself has changed.
    #[traced("checkout")]
    pub async fn answer(
        &self,
        user: UserId,
        key: &IdempotencyKey,
        request: &CheckoutRequest,
        seen: &IfMatch,
    ) -> Result<Answer, Error> {
        let deadline = Instant::now() + self.wait;
        let fingerprint = Fingerprint::of_checkout(request);
        let begun = match store::checkouts::find(&self.db, user, key, fingerprint).await? {
            Some(known) => Begun::Known(begin::same_wish(known)?),
            None => self.begin(user, key, fingerprint, Wish { request, seen }).await?,
        };
        match begun {
            Begun::New(checkout) => self.drive(checkout, deadline).await,
            Begun::Known(checkout) => match checkout.final_answer() {
                Some(answer) => Ok(answer.clone()),
                None => self.await_end(checkout.order_id, deadline).await,
            },
        }
    }

    /// Whether a checkout was begun under this key.
    pub async fn is_known(&self, user: UserId, key: &IdempotencyKey) -> Result<bool, Error> {
        Ok(store::checkouts::exists(&self.db, user, key).await?)
    }

    #[traced("checkout.begin")]
    async fn begin(
        &self,
        user: UserId,
        key: &IdempotencyKey,
        fingerprint: Fingerprint,
        wish: Wish<'_>,
    ) -> Result<Begun, Error> {
        let mut transaction = self.db.begin().await?;
        let lease = self.driver.timing().lease;
        let begun = begin::begin(&mut transaction, user, key, fingerprint, wish, lease).await?;
        let is_new = matches!(begun, Begun::New(_));
        if is_new {
            // Counted only now: who came with many twins at once has one wish, and each of them gets its answer.
            self.limiter.check(&user.to_string()).await.map_err(Error::TooManyCheckouts)?;
        }
        transaction.commit().await?;
        if is_new {
            self.metrics.did(Operation::Checkout);
        }
        Ok(begun)
    }

    /// Drives a checkout that was just begun, in a task that goes on whatever becomes of this request.
    async fn drive(&self, checkout: Checkout, deadline: Instant) -> Result<Answer, Error> {
        let order = checkout.order_id;
        let driver = Arc::clone(&self.driver);
        // It has all the time that it needs: what the request has no time for any more is done all the same.
        let context = Context::current().without_deadline();
        let task = self.tasks.spawn(context.scope(async move { driver.advance(checkout).await }));
        match tokio::time::timeout_at(deadline, task).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            // It stalled (the reason is logged and stored) or panicked: a sweeper will go on with it.
            Ok(Ok(Err(_)) | Err(_)) => self.await_end(order, deadline).await,
            Err(_elapsed) => Err(Error::InFlight(order)),
        }
    }

    /// Waits for the end of a checkout that someone else drives, in this process or another.
    async fn await_end(&self, order: OrderId, deadline: Instant) -> Result<Answer, Error> {
        let mut pause = FIRST_LOOK;
        while Instant::now() + pause < deadline {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_LOOK);
            let checkout = store::checkouts::get(&self.db, order).await?;
            if let Some(answer) = checkout.as_ref().and_then(Checkout::final_answer) {
                return Ok(answer.clone());
            }
        }
        Err(Error::InFlight(order))
    }
}
