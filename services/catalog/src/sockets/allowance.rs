//! How much a client may say.

use std::time::Duration;

use tokio::time::Instant;

/// How many messages a client may send at once, answers to pings and pings of its own among them.
const BURST: f64 = 40.0;

/// How many a second, in the long run.
const PER_SECOND: f64 = 10.0;

/// A bucket of messages.
#[derive(Debug)]
pub(super) struct Allowance {
    left: f64,
    at: Instant,
}

impl Allowance {
    pub(super) fn new() -> Self {
        Self { left: BURST, at: Instant::now() }
    }

    /// Whether the client may send one more.
    pub(super) fn take(&mut self) -> bool {
        let now = Instant::now();
        let since: Duration = now.duration_since(self.at);
        self.at = now;
        self.left = (self.left + since.as_secs_f64() * PER_SECOND).min(BURST) - 1.0;
        self.left >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_at_once_and_then_so_many_a_second() {
        let mut allowance = Allowance::new();
        assert!((0..40).all(|_| allowance.take()));
        assert!(!allowance.take());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!((0..9).all(|_| allowance.take()));
        assert!(!allowance.take());
    }
}
