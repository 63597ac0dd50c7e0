//! Delivers what waits in the outbox, until it has arrived.

mod spans;

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::{FutureExt as _, StreamExt as _};
use prometheus::{Gauge, IntCounterVec, IntGauge, Opts, Registry};
use shop_runtime::context::Context;
use shop_runtime::redis::Redis;
use shop_runtime::span::Span;
use shop_types::EventId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::courier::Courier;
use crate::failure::{DeliveryError, Failure};
use crate::outbox::{self, Event, Failed};

/// Events that are taken at a time.
const BATCH: i64 = 48;

/// Calls that are made at the same time.
const AT_ONCE: usize = 16;

/// How long an event is left to the relay that took it. Longer than all deliveries of a batch, if each takes as long as it may.
const LEASE: Duration = Duration::from_secs(60);

/// How long a delivery may take.
const DELIVERY_WITHIN: Duration = Duration::from_secs(12);

/// How often it is looked what waits, at least, while there is no rest.
const LOOK_EVERY: Duration = Duration::from_millis(500);

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
    pub async fn run(self, courier: impl Courier, stop: CancellationToken) {
        let mut recovered = self.redis.as_ref().map(Redis::recovered);
        let mut looked: Option<Instant> = None;
        while !stop.is_cancelled() {
            let look = looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY);
            if look {
                looked = Some(Instant::now());
            }
            let round = async {
                let round = self.round(&courier, look).await;
                round.inspect_err(|error| tracing::warn!(%error, "the outbox can't be read"))
            };
            // Each delivery belongs to the trace of what it tells of; to look for some belongs to none that need be collected.
            let pause = match Context::unasked().scope(round).await {
                Ok(delivered) if delivered > 0 => continue,
                Ok(_) => self.idle,
                Err(_) => self.idle * 4,
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

    /// Delivers what is due, if it may; how many were tried. Looks at what waits if asked to.
    async fn round(&self, courier: &impl Courier, look: bool) -> Result<usize, sqlx::Error> {
        if look {
            self.look().await?;
        }
        if self.may_deliver() { self.deliver_batch(courier).await } else { Ok(0) }
    }

    fn may_deliver(&self) -> bool {
        self.redis.as_ref().is_none_or(Redis::is_up)
    }

    /// Looks at what waits.
    async fn look(&self) -> Result<(), sqlx::Error> {
        let backlog = outbox::backlog(&mut *self.pool.acquire().await?).await?;
        self.metrics.lag.set(backlog.lag_seconds);
        self.metrics.dead.set(backlog.dead);
        Ok(())
    }

    /// Looks at what waits, and delivers one batch of events that are due; returns how many were tried. Tests call it instead of waiting.
    pub async fn deliver_due(&self, courier: &impl Courier) -> Result<usize, sqlx::Error> {
        self.look().await?;
        self.deliver_batch(courier).await
    }

    async fn deliver_batch(&self, courier: &impl Courier) -> Result<usize, sqlx::Error> {
        let events = outbox::claim(&mut *self.pool.acquire().await?, BATCH, millis(LEASE)).await?;
        let tried = events.len();
        let calls = calls(courier, events);
        let outcomes = futures::stream::iter(calls)
            .map(async |call| self.make(courier, call).await)
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        outcomes.into_iter().collect::<Result<(), _>>()?;
        Ok(tried)
    }

    async fn make(&self, courier: &impl Courier, mut call: Vec<Event>) -> Result<(), sqlx::Error> {
        match (call.pop(), call.is_empty()) {
            (Some(only), true) => return self.deliver_one(courier, only).await,
            (Some(last), false) => call.push(last),
            (None, _) => return Ok(()),
        }
        let (context, together) = spans::of_all(&call);
        let members = spans::members(&call, &together);
        context.scope(self.deliver_together(courier, call, (together, members))).await
    }

    /// Delivers several events of one topic in one call; or one by one, should one of them not be wanted.
    async fn deliver_together(
        &self,
        courier: &impl Courier,
        call: Vec<Event>,
        (together, members): (Span, Vec<Span>),
    ) -> Result<(), sqlx::Error> {
        let topic = call[0].topic.clone();
        let outcome = together.run(attempt(courier.deliver_together(&topic, &call))).await;
        for mut member in members {
            member.describe(|open| open.note(&outcome));
        }
        match outcome {
            Ok(()) => self.arrived(&call.iter().map(|event| event.event_id).collect::<Vec<_>>()).await,
            Err(error) if error.failure() == Failure::Away => {
                tracing::warn!(topic, events = call.len(), %error, "events did not arrive");
                for event in &call {
                    self.postpone(event.event_id, &topic, event.attempts, &error).await?;
                }
                Ok(())
            }
            Err(error) => {
                tracing::warn!(topic, events = call.len(), %error, "events that did not arrive together go one by one");
                for event in call {
                    self.deliver_one(courier, event).await?;
                }
                Ok(())
            }
        }
    }

    async fn deliver_one(&self, courier: &impl Courier, event: Event) -> Result<(), sqlx::Error> {
        let (id, topic, tries) = (event.event_id, event.topic.clone(), event.attempts);
        let (context, span) = spans::of(&event);
        let delivery = async {
            match span.run(attempt(courier.deliver(event))).await {
                Ok(()) => self.arrived(&[id]).await,
                Err(error) => {
                    tracing::warn!(event_id = %id, topic, attempt = tries, failure = ?error.failure(), %error, "an event did not arrive");
                    self.postpone(id, &topic, tries, &error).await
                }
            }
        };
        context.scope(delivery).await
    }

    async fn arrived(&self, events: &[EventId]) -> Result<(), sqlx::Error> {
        self.metrics.deliveries.with_label_values(&["arrived"]).inc_by(events.len() as u64);
        outbox::remove(&mut *self.pool.acquire().await?, events).await
    }

    async fn postpone(&self, id: EventId, topic: &str, tries: i32, error: &DeliveryError) -> Result<(), sqlx::Error> {
        let reason = error.to_string();
        let failed = self.failed(id, tries, error, &reason);
        let given_up = outbox::postpone(&mut *self.pool.acquire().await?, failed).await?;
        let outcome = if given_up { "given_up" } else { "failed" };
        self.metrics.deliveries.with_label_values(&[outcome]).inc();
        if given_up {
            tracing::error!(event_id = %id, topic, attempt = tries, %error, "an event was given up; an admin can replay it");
        }
        Ok(())
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

/// The events by the calls that they are delivered in.
fn calls(courier: &impl Courier, events: Vec<Event>) -> Vec<Vec<Event>> {
    let mut calls = Vec::new();
    let mut together: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in events {
        if courier.takes_together(&event.topic) {
            together.entry(event.topic.clone()).or_default().push(event);
        } else {
            calls.push(vec![event]);
        }
    }
    calls.extend(together.into_values());
    calls
}

/// Waits for a delivery, for as long as it may take and whatever becomes of it.
async fn attempt(delivery: impl Future<Output = Result<(), DeliveryError>>) -> Result<(), DeliveryError> {
    match AssertUnwindSafe(tokio::time::timeout(DELIVERY_WITHIN, delivery)).catch_unwind().await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_elapsed)) => Err("the delivery took too long".into()),
        Err(_panic) => Err("the delivery panicked".into()),
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
