//! Redis' clock, read on this pod's.

use std::time::Duration;

use tokio::time::Instant;

/// The two last windows of this length are looked at.
const WINDOW: Duration = Duration::from_secs(30);

/// Turns moments that Redis' clock gave into moments of this pod's.
///
/// Each message from Redis carries the time at which it was sent; how much later it arrived on this pod's clock is the difference of the
/// clocks plus the time that the message took. The least of those differences, over the last half to whole minute, is of the fastest
/// message.
///
/// **Error.** A moment is given too late by what the fastest message took, and never too early but for what the clocks drifted apart in
/// [`WINDOW`]s (a few ms a minute at worst). If Redis' clock is put forward, the next message shows it. If it is put back, the next message
/// is from before the last one, which can't be otherwise, and all that was known is forgotten; unless it was put back by less than the
/// time since the last message, in which case moments are too early by that much, until both windows have passed.
#[derive(Debug)]
pub(crate) struct RedisClock {
    origin: Instant,
    last_sent: i64,
    window_began: Instant,
    current: Option<i64>,
    previous: Option<i64>,
}

impl RedisClock {
    /// Nothing is known yet.
    pub(crate) const fn new(now: Instant) -> Self {
        Self { origin: now, last_sent: i64::MIN, window_began: now, current: None, previous: None }
    }

    /// A message arrived that was sent at this time of Redis' clock, in microseconds since 1970. Of one connection, in their order.
    pub(crate) fn heard(&mut self, sent_micros: i64, arrived: Instant) {
        let age = arrived.saturating_duration_since(self.window_began);
        if sent_micros < self.last_sent {
            (self.current, self.previous) = (None, None);
            self.window_began = arrived;
        } else if age >= WINDOW {
            self.previous = if age < 2 * WINDOW { self.current } else { None };
            self.current = None;
            self.window_began = arrived;
        }
        self.last_sent = sent_micros;
        let difference = self.micros(arrived).saturating_sub(sent_micros);
        self.current = Some(self.current.map_or(difference, |least| least.min(difference)));
    }

    /// This pod's clock at that time of Redis' clock; none before anything was heard.
    pub(crate) fn local(&self, redis_micros: i64) -> Option<Instant> {
        let difference = match (self.current, self.previous) {
            (Some(current), Some(previous)) => current.min(previous),
            (current, previous) => current.or(previous)?,
        };
        let since_origin = redis_micros.saturating_add(difference);
        let distance = Duration::from_micros(since_origin.unsigned_abs());
        if since_origin >= 0 { self.origin.checked_add(distance) } else { self.origin.checked_sub(distance) }
    }

    fn micros(&self, at: Instant) -> i64 {
        i64::try_from(at.saturating_duration_since(self.origin).as_micros()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REDIS_BEGAN: i64 = 1_795_000_000_000_000;

    const fn ms(millis: i64) -> i64 {
        millis * 1_000
    }

    /// Two clocks that run alike, `origin` being `REDIS_BEGAN` plus a step of Redis'.
    struct Clocks {
        origin: Instant,
        step: i64,
        clock: RedisClock,
    }

    impl Clocks {
        fn new() -> Self {
            let origin = Instant::now();
            Self { origin, step: 0, clock: RedisClock::new(origin) }
        }

        fn at(&self, micros: i64) -> Instant {
            let distance = Duration::from_micros(micros.unsigned_abs());
            if micros < 0 { self.origin - distance } else { self.origin + distance }
        }

        fn message(&mut self, sent: i64, took: i64) {
            let arrived = self.at(sent + took);
            self.clock.heard(REDIS_BEGAN + self.step + sent, arrived);
        }

        /// By how much a moment is given too late.
        fn error(&self, micros: i64) -> i64 {
            let given = self.clock.local(REDIS_BEGAN + self.step + micros).expect("something was heard");
            let late = i64::try_from(given.saturating_duration_since(self.at(micros)).as_micros()).expect("small");
            let early = i64::try_from(self.at(micros).saturating_duration_since(given).as_micros()).expect("small");
            late - early
        }
    }

    #[test]
    fn a_moment_is_given_too_late_by_the_time_that_the_fastest_message_took() {
        let mut clocks = Clocks::new();
        assert_eq!(clocks.clock.local(REDIS_BEGAN), None, "nothing was heard yet");
        for (second, took) in [5_000, 900, 300, 20_000, 700].into_iter().enumerate() {
            clocks.message(ms(1_000 * i64::try_from(second).expect("small")), took);
        }
        assert_eq!(clocks.error(ms(4_500)), 300);
        assert_eq!(clocks.error(-ms(60_000)), 300, "also before the pod began");
    }

    #[test]
    fn a_time_when_messages_were_fast_is_forgotten_after_a_minute_so_that_drift_does_not_add_up() {
        let mut clocks = Clocks::new();
        clocks.message(0, 100);
        for second in 1..=61 {
            clocks.message(ms(1_000 * second), 800);
        }
        assert_eq!(clocks.error(ms(61_000)), 800);
    }

    #[test]
    fn when_redis_clock_is_put_forward_the_next_message_shows_it() {
        let mut clocks = Clocks::new();
        (0..10).for_each(|second| clocks.message(ms(1_000 * second), 300));
        clocks.step = ms(3_600_000);
        clocks.message(ms(10_000), 400);
        assert_eq!(clocks.error(ms(9_900)), 400);
    }

    #[test]
    fn when_redis_clock_is_put_back_the_next_message_shows_it() {
        let mut clocks = Clocks::new();
        (0..10).for_each(|second| clocks.message(ms(1_000 * second), 300));
        clocks.step = -ms(3_600_000);
        clocks.message(ms(10_000), 400);
        assert_eq!(clocks.error(ms(9_900)), 400);
    }

    #[test]
    fn when_redis_clock_is_put_back_a_little_moments_are_too_early_by_as_much_for_a_minute() {
        let mut clocks = Clocks::new();
        (0..10).for_each(|second| clocks.message(ms(1_000 * second), 300));
        clocks.step = -ms(500);
        (10..20).for_each(|second| clocks.message(ms(1_000 * second), 300));
        assert_eq!(clocks.error(ms(19_000)), 300 - ms(500));
        (20..100).for_each(|second| clocks.message(ms(1_000 * second), 300));
        assert_eq!(clocks.error(ms(99_000)), 300);
    }

    #[test]
    fn a_pod_that_stood_still_does_not_take_the_messages_that_waited_for_a_step() {
        let mut clocks = Clocks::new();
        (0..10).for_each(|second| clocks.message(ms(1_000 * second), 300));
        (10..15).for_each(|second| clocks.message(ms(1_000 * second), ms(15_000 - 1_000 * second)));
        assert_eq!(clocks.error(ms(14_000)), 300);
    }
}
