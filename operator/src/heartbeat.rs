//! Signs of life of the loops that must never stop.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Signs of life of one loop. Clones are of the same loop.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    name: &'static str,
    limit: Duration,
    last: Arc<Mutex<Instant>>,
}

impl Heartbeat {
    /// For a loop that gives a sign of life at least as often as `limit`, beginning now.
    pub fn new(name: &'static str, limit: Duration) -> Self {
        Self { name, limit, last: Arc::new(Mutex::new(Instant::now())) }
    }

    /// What the loop does.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The loop lives.
    pub fn beat(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    #[cfg(test)]
    pub(crate) fn last(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when there was no sign of life, if that is longer than it may be.
    pub fn silent_for(&self) -> Option<Duration> {
        let silence = self.last.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        (silence > self.limit).then_some(silence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_is_silent_only_beyond_its_limit() {
        let lively = Heartbeat::new("lively", Duration::from_secs(600));
        assert_eq!(lively.silent_for(), None);
        let silent = Heartbeat::new("silent", Duration::ZERO);
        while silent.silent_for().is_none() {
            std::hint::spin_loop();
        }
    }
}
