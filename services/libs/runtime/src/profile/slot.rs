//! The one place for a profile in a process: there is one timer and one signal for all of it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When the profile ends that is being taken.
static TAKEN_UNTIL: Mutex<Option<Instant>> = Mutex::new(None);

/// The place, for as long as this lives.
#[derive(Debug)]
pub(super) struct Slot(());

/// Somebody else has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Busy {
    /// For about so long.
    pub(super) left: Duration,
}

impl Slot {
    /// Takes the place, for about so long.
    pub(super) fn take(length: Duration) -> Result<Self, Busy> {
        let (mut until, now) = (TAKEN_UNTIL.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        if let Some(end) = *until {
            return Err(Busy { left: end.saturating_duration_since(now) });
        }
        *until = Some(now + length);
        Ok(Self(()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *TAKEN_UNTIL.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
