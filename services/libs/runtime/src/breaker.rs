//! A circuit breaker: what failed several times in a row is left alone for a moment, so that its failure costs callers nothing.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// Closed while calls succeed; open for a while after too many failures in a row; then one call at a time tries.
#[derive(Debug)]
pub struct Breaker {
    failures_to_open: u32,
    open_for: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// Opens for `open_for` after `failures_to_open` failures in a row.
    pub fn new(failures_to_open: u32, open_for: Duration) -> Self {
        Self { failures_to_open, open_for, state: Mutex::default() }
    }

    /// Whether a call may be made. When the time of an open breaker is over, one caller is let through and the others wait for its outcome.
    pub fn allows(&self) -> bool {
        let now = Instant::now();
        let mut state = self.lock();
        match state.open_until {
            Some(until) if now < until => false,
            Some(_) => {
                state.open_until = Some(now + self.open_for);
                true
            }
            None => true,
        }
    }

    /// A call succeeded.
    pub fn succeeded(&self) {
        *self.lock() = State::default();
    }

    /// A call failed in a way that says that the other side is away; whether the breaker is open now.
    pub fn failed(&self) -> bool {
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= self.failures_to_open {
            state.open_until = Some(Instant::now() + self.open_for);
        }
        state.open_until.is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_breaker_opens_after_failures_in_a_row_and_lets_one_call_try_again() {
        let breaker = Breaker::new(2, Duration::from_secs(1));
        breaker.failed();
        breaker.succeeded();
        breaker.failed();
        assert!(breaker.allows(), "one failure after a success is not two in a row");
        breaker.failed();
        assert!(!breaker.allows());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(breaker.allows(), "one may try");
        assert!(!breaker.allows(), "but only one");
        breaker.succeeded();
        assert!(breaker.allows() && breaker.allows());
    }
}
