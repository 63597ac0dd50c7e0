//! Delivers what waits in the outbox, until it has arrived.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use prometheus::{Gauge, IntCounterVec, IntGauge, Opts, Registry};
use shop_runtime::context::Context;
use shop_runtime::redis::Redis;
use shop_runtime::trace;
use shop_types::EventId;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::failure::{DeliveryError, Failure};
use crate::outbox::{self, Event, Failed};

/// Events that are taken at a time, and delivered at the same time.
const BATCH: i64 = 16;

/// How long an event is left to the relay that took it. Longer than any delivery.
const LEASE: Duration = Duration::from_secs(30);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The same for what goes to Redis, which is not asked while it is away, so that failures are rare and delays matter.
const LONGEST_PAUSE_TO_REDIS: Duration = Duration::from_secs(1);

/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// How many failures an event is given: over some minutes, since the pauses grow. A receiver that is away is waited for without end.
const PATIENCE: i32 = 12;

/// How the relay does.
#[derive(Clone, Debug)]
pub struct OutboxMetrics {
    lag: Gauge,
    dead: IntGauge,
    deliveries: IntCounterVec,
}

impl OutboxMetrics {
    /// Registers `outbox_lag_seconds`, `outbox_dead_letters` and `outbox_deliveries_total{outcome}`.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let lag = Gauge::new("outbox_lag_seconds", "Age of the oldest event that has not arrived and is still tried")?;
        let dead =
            IntGauge::new("outbox_dead_letters", "Events that were given up, until an admin replays or deletes them")?;
        let deliveries = IntCounterVec::new(
            Opts::new("outbox_deliveries_total", "Deliveries of events, by outcome (arrived, failed, given_up)"),
            &["outcome"],
        )?;
        registry.register(Box::new(lag.clone()))?;
        registry.register(Box::new(dead.clone()))?;
        registry.register(Box::new(deliveries.clone()))?;
        for outcome in ["arrived", "failed", "given_up"] {
            deliveries.with_label_values(&[outcome]);
        }
        Ok(Self { lag, dead, deliveries })
    }
}

/// Delivers the events of one outbox. Any number of relays may work on the same one.
#[derive(Clone, Debug)]
pub struct Relay {
    pool: PgPool,
    metrics: OutboxMetrics,
    idle: Duration,
    longest_pause: Duration,
    patience: i32,
    /// What everything is delivered to, if it is this.
    redis: Option<Redis>,
}

impl Relay {
    /// A relay for the outbox in the pool's schema.
    pub fn new(pool: PgPool, metrics: OutboxMetrics) -> Self {
        let idle = Duration::from_millis(500);
        Self { pool, metrics, idle, longest_pause: LONGEST_PAUSE, patience: PATIENCE, redis: None }
    }

    /// Everything in this outbox goes to Redis: it waits while Redis is away, is delivered in the moment that Redis is back, and is never
    /// given up, since what it tells of would be wrong in the caches.
    #[must_use]
    pub fn to_redis(self, redis: Redis) -> Self {
        Self { redis: Some(redis), longest_pause: LONGEST_PAUSE_TO_REDIS, patience: i32::MAX, ..self }
    }

    /// Delivers until `stop`. What is being delivered then is delivered to the end.
    pub async fn run<D, F>(self, deliver: D, stop: CancellationToken)
    where
        D: Fn(Event) -> F,
        F: Future<Output = Result<(), DeliveryError>>,
    {
        let mut recovered = self.redis.as_ref().map(Redis::recovered);
        while !stop.is_cancelled() {
            let outcome = if self.may_deliver() { self.deliver_due(&deliver).await } else { self.look().await };
            let pause = match outcome {
                Ok(delivered) if delivered > 0 => continue,
                Ok(_) => self.idle,
                Err(error) => {
                    tracing::warn!(%error, "the outbox can't be read");
                    self.idle * 4
                }
            };
            // Replicas that started together should not ask together.
            let pause = pause.mul_f64(0.75 + 0.5 * jitter());
            let rested = tokio::time::sleep(pause);
            stop.run_until_cancelled(async {
                match &mut recovered {
                    Some(recovered) => tokio::select! { () = rested => {}, _ = recovered.changed() => {} },
                    None => rested.await,
                }
            })
            .await;
        }
    }

    fn may_deliver(&self) -> bool {
        self.redis.as_ref().is_none_or(Redis::is_up)
    }

    /// Only looks at what waits.
    async fn look(&self) -> Result<usize, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        self.note_backlog(&mut connection).await?;
        Ok(0)
    }

    async fn note_backlog(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let backlog = outbox::backlog(connection).await?;
        self.metrics.lag.set(backlog.lag_seconds);
        self.metrics.dead.set(backlog.dead);
        Ok(())
    }

    /// Delivers one batch of events that are due; returns how many were tried. Tests call it instead of waiting.
    pub async fn deliver_due<D, F>(&self, deliver: &D) -> Result<usize, sqlx::Error>
    where
        D: Fn(Event) -> F,
        F: Future<Output = Result<(), DeliveryError>>,
    {
        let mut connection = self.pool.acquire().await?;
        self.note_backlog(&mut connection).await?;
        let events = outbox::claim(&mut connection, BATCH, millis(LEASE)).await?;
        drop(connection);
        let tried = events.len();
        let outcomes = futures::stream::iter(events)
            .map(async |event| self.deliver_one(deliver, event).await)
            .buffer_unordered(tried.max(1))
            .collect::<Vec<_>>()
            .await;
        outcomes.into_iter().collect::<Result<(), _>>()?;
        Ok(tried)
    }

    async fn deliver_one<D, F>(&self, deliver: &D, event: Event) -> Result<(), sqlx::Error>
    where
        D: Fn(Event) -> F,
        F: Future<Output = Result<(), DeliveryError>>,
    {
        let (id, topic, attempt) = (event.event_id, event.topic.clone(), event.attempts);
        let (trace, trace_state) = event.trace_parent.as_deref().and_then(trace::read).unzip();
        let delivery = Context::following(trace).with_trace_state(trace_state.flatten()).scope(async {
            let delivery = AssertUnwindSafe(tokio::time::timeout(LEASE / 2, deliver(event))).catch_unwind().await;
            let outcome = match delivery {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_elapsed)) => Err("the delivery took too long".into()),
                Err(_panic) => Err("the delivery panicked".into()),
            };
            if let Err(error) = &outcome {
                tracing::warn!(event_id = %id, topic, attempt, failure = ?error.failure(), %error, "an event did not arrive");
            }
            outcome
        });
        let outcome = delivery.await;
        let mut connection = self.pool.acquire().await?;
        match outcome {
            Ok(()) => {
                self.metrics.deliveries.with_label_values(&["arrived"]).inc();
                outbox::remove(&mut connection, id).await
            }
            Err(error) => {
                let given_up =
                    outbox::postpone(&mut connection, self.failed(id, attempt, &error, &error.to_string())).await?;
                let outcome = if given_up { "given_up" } else { "failed" };
                self.metrics.deliveries.with_label_values(&[outcome]).inc();
                if given_up {
                    tracing::error!(event_id = %id, topic, attempt, %error, "an event was given up; an admin can replay it");
                }
                Ok(())
            }
        }
    }

    /// A refusal is the last failure that an event needs, an absence is none; but what goes to Redis is never given up.
    fn failed<'a>(&self, event: EventId, attempt: i32, error: &DeliveryError, reason: &'a str) -> Failed<'a> {
        let refused = error.failure() == Failure::Refused && self.redis.is_none();
        Failed {
            event,
            attempt,
            counts: error.failure() != Failure::Away,
            patience: if refused { 0 } else { self.patience },
            pause_ms: millis(pause_after(attempt).min(self.longest_pause)),
            reason,
        }
    }
}

/// Twice as long after each failure, up to a limit, and never the same for two events.
fn pause_after(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(16);
    let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    pause.mul_f64(0.5 + 0.5 * jitter())
}

/// From 0 to 1; not good for more than spreading load.
fn jitter() -> f64 {
    let [first, second, ..] = uuid::Uuid::new_v4().into_bytes();
    f64::from(u16::from_be_bytes([first, second])) / f64::from(u16::MAX)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_no_further() {
        assert!(pause_after(1) <= FIRST_PAUSE);
        assert!(pause_after(4) >= FIRST_PAUSE * 4);
        for attempts in [20, i32::MAX, i32::MIN] {
            assert!(pause_after(attempts) <= LONGEST_PAUSE);
        }
    }
}
