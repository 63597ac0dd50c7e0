//! Time since the machine's start, the time that it slept included. It never goes back, whatever is done to the calendar.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// [`std::time::Instant`] does not count the time that a machine was suspended, during which its Lease runs out.
#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::CLOCK_BOOTTIME;
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;

/// A moment, as the time since the machine's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// This moment.
    pub fn now() -> Self {
        // The call fails only for clocks that the system does not have. Should it, time stands still at its end, where no term is left.
        Self(clock_gettime(CLOCK).map_or(Duration::MAX, Duration::from))
    }

    /// So much later.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }

    /// How long until `later`; nothing if that is past.
    pub fn until(self, later: Self) -> Duration {
        later.0.saturating_sub(self.0)
    }

    pub(super) fn nanos(self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn from_nanos(nanos: u64) -> Self {
        Self(Duration::from_nanos(nanos))
    }
}
