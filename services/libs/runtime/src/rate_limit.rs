//! A limit of attempts, shared by all replicas through Redis and kept by each process alone while Redis is away.
//!
//! The algorithm is the generic cell rate algorithm: all that is kept of a key is the moment at which it would be back at rest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::Script;
use tokio::time::Instant;

use crate::redis::{COMMAND_TIMEOUT, Connection, Redis};

/// Keeps memory bounded when someone tries very many keys: keys at rest are forgotten above this number.
const MAX_LOCAL_KEYS: usize = 10_000;

/// The same as [`admit`], in Redis' own time, in one step.
const ADMIT: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local rest = tonumber(redis.call('GET', KEYS[1]) or now)
if rest < now then rest = now end
local wait = rest - (burst - 1) * interval - now
if wait > 0 then return wait end
rest = rest + interval
redis.call('SET', KEYS[1], string.format('%d', rest), 'PX', string.format('%d', rest - now))
return 0
";

/// How many attempts: `burst` at once, then one every `interval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The attempts that may come at once.
    pub burst: u32,
    /// The time after which one more may come.
    pub interval: Duration,
}

/// Too many attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; the next one is possible in {} ms", retry_after.as_millis())]
pub struct Limited {
    /// When the next attempt will be let through.
    pub retry_after: Duration,
}

/// Counts attempts by key.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    name: &'static str,
    rate: Rate,
    redis: Redis,
    script: Arc<Script>,
    local: Arc<Mutex<HashMap<String, Instant>>>,
}

impl RateLimiter {
    /// A limiter with keys of its own.
    pub fn new(name: &'static str, rate: Rate, redis: Redis) -> Self {
        Self { name, rate, redis, script: Arc::new(Script::new(ADMIT)), local: Arc::default() }
    }

    /// Notes an attempt, if one is free.
    pub async fn check(&self, key: &str) -> Result<(), Limited> {
        match self.check_shared(key).await {
            Some(outcome) => outcome,
            None => self.check_local(key),
        }
    }

    /// None if Redis can't be asked.
    async fn check_shared(&self, key: &str) -> Option<Result<(), Limited>> {
        let mut call = self.script.key(format!("rate:{}:{key}", self.name));
        call.arg(millis(self.rate.interval)).arg(self.rate.burst);
        let admit = async |mut connection: Connection| call.invoke_async(&mut connection).await;
        let wait: u64 = self.redis.run_as("rate_limit.admit", COMMAND_TIMEOUT, admit).await.ok()?;
        Some(if wait == 0 { Ok(()) } else { Err(Limited { retry_after: Duration::from_millis(wait) }) })
    }

    fn check_local(&self, key: &str) -> Result<(), Limited> {
        let now = Instant::now();
        let mut at_rest = self.local.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if at_rest.len() >= MAX_LOCAL_KEYS {
            at_rest.retain(|_, rest| *rest > now);
        }
        let rest = admit(self.rate, now, at_rest.get(key).copied())?;
        at_rest.insert(key.to_owned(), rest);
        Ok(())
    }
}

/// The moment at which the key will be at rest after one more attempt, or how long the attempt has to wait.
fn admit(rate: Rate, now: Instant, rest: Option<Instant>) -> Result<Instant, Limited> {
    let rest = rest.map_or(now, |rest| rest.max(now));
    let tolerance = rate.interval * rate.burst.saturating_sub(1);
    let wait = (rest - now).saturating_sub(tolerance);
    if wait.is_zero() { Ok(rest + rate.interval) } else { Err(Limited { retry_after: wait }) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_let_through_and_then_one_for_each_interval() {
        let rate = Rate { burst: 3, interval: Duration::from_secs(10) };
        let limiter = RateLimiter::new("test", rate, Redis::absent());
        for _ in 0..3 {
            assert_eq!(limiter.check("a").await, Ok(()));
        }
        assert_eq!(limiter.check("a").await, Err(Limited { retry_after: Duration::from_secs(10) }));
        assert_eq!(limiter.check("b").await, Ok(()), "each key has a limit of its own");
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(limiter.check("a").await, Ok(()));
        assert!(limiter.check("a").await.is_err());
    }
}
