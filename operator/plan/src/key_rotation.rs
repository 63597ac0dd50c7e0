//! When the key that signs access tokens is replaced, so that no token is ever refused for it.
//!
//! A new key is published to all services first. Once every pod has had the time to see it, tokens are signed with it. The old key stays
//! published until the last token that was signed with it is over.

use std::time::Duration;

/// How long a new key is published before it signs. The kubelet shows a changed ConfigMap to its pods within a minute and a half.
const PUBLISHED_FOR: Duration = Duration::from_secs(3 * 60);

/// How much longer than the last token that it signed an old key is published: pods see the switch at different times, and clocks differ.
const RETIRED_FOR_LONGER: Duration = Duration::from_secs(5 * 60);

/// What a value of the annotation begins with when the new key is to sign as soon as it is published.
const AT_ONCE: &str = "now";

/// What the Store says of its signing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRotation {
    /// The age at which it is replaced; never if there is none.
    pub every: Option<Duration>,
    /// The annotation's value: each new one replaces the key once.
    pub asked: Option<String>,
    /// The lifetime of a token.
    pub token_lifetime: Duration,
}

/// The keys as they were found, without the keys. Moments are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeysFound {
    /// Since when the key signs.
    pub since: i64,
    /// Since when the next key is published, if there is one.
    pub next_since: Option<i64>,
    /// Until when the old keys are published.
    pub retired_until: Vec<i64>,
    /// The annotation's value that was followed last.
    pub asked: Option<String>,
}

/// What is to be done about the keys now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStep {
    /// Make a new key and publish it.
    Publish,
    /// Sign with the new key, and publish the old one until this moment.
    Switch {
        /// In seconds since 1970.
        retired_until: i64,
    },
    /// Forget the old keys whose time is over.
    Forget,
    /// Nothing, until this moment at least, or until the Store says something else.
    Rest {
        /// In seconds since 1970.
        until: Option<i64>,
    },
}

impl KeyRotation {
    /// The next step.
    pub fn step(&self, found: &KeysFound, now: i64) -> KeyStep {
        if found.retired_until.iter().any(|until| *until <= now) {
            return KeyStep::Forget;
        }
        let due = match found.next_since {
            Some(since) => Some(since.saturating_add(seconds(self.published_for(found)))),
            None if self.asked.is_some() && self.asked != found.asked => Some(now),
            None => self.every.map(|every| found.since.saturating_add(seconds(every))),
        };
        match (due, found.next_since) {
            (Some(due), Some(_)) if due <= now => {
                let retired = seconds(self.token_lifetime).saturating_add(seconds(RETIRED_FOR_LONGER));
                KeyStep::Switch { retired_until: now.saturating_add(retired) }
            }
            (Some(due), None) if due <= now => KeyStep::Publish,
            _ => KeyStep::Rest { until: due.into_iter().chain(found.retired_until.iter().copied()).min() },
        }
    }

    fn published_for(&self, found: &KeysFound) -> Duration {
        let at_once =
            found.asked == self.asked && self.asked.as_deref().is_some_and(|asked| asked.starts_with(AT_ONCE));
        if at_once { Duration::ZERO } else { PUBLISHED_FOR }
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn monthly() -> KeyRotation {
        KeyRotation {
            every: Some(Duration::from_secs(30 * 86_400)),
            asked: None,
            token_lifetime: Duration::from_secs(15 * 60),
        }
    }

    /// Keys that do what they are told.
    fn follow(found: &mut KeysFound, rotation: &KeyRotation, step: KeyStep, now: i64) {
        match step {
            KeyStep::Publish => {
                found.next_since = Some(now);
                found.asked.clone_from(&rotation.asked);
            }
            KeyStep::Switch { retired_until } => {
                (found.since, found.next_since) = (now, None);
                found.retired_until.push(retired_until);
            }
            KeyStep::Forget => found.retired_until.retain(|until| *until > now),
            KeyStep::Rest { .. } => {}
        }
    }

    #[test]
    fn a_key_that_is_old_is_replaced_in_three_steps_that_leave_every_token_good() {
        let (rotation, mut found) = (monthly(), KeysFound::default());
        let mut steps = Vec::new();
        let mut now = 29 * DAY;
        loop {
            let step = rotation.step(&found, now);
            follow(&mut found, &rotation, step, now);
            match step {
                KeyStep::Rest { until: Some(until) } if steps.len() < 3 => now = until,
                KeyStep::Rest { until } => {
                    assert_eq!(until, Some(found.since + 30 * DAY));
                    break;
                }
                step => steps.push((now - 30 * DAY, step)),
            }
        }
        let switched = 3 * 60;
        let over = switched + 15 * 60 + 5 * 60;
        let switch = KeyStep::Switch { retired_until: 30 * DAY + over };
        assert_eq!(steps, [(0, KeyStep::Publish), (switched, switch), (over, KeyStep::Forget)]);
        assert!(found.retired_until.is_empty());
    }

    #[test]
    fn whoever_asks_gets_a_new_key_once_for_each_time() {
        let asking = |value: &str| KeyRotation { asked: Some(value.into()), every: None, ..monthly() };
        let mut found = KeysFound { since: 0, ..KeysFound::default() };
        assert_eq!(KeyRotation { every: None, ..monthly() }.step(&found, DAY), KeyStep::Rest { until: None });
        for (value, now) in [("2026-11-22", DAY), ("again", 2 * DAY)] {
            let rotation = asking(value);
            assert_eq!(rotation.step(&found, now), KeyStep::Publish);
            follow(&mut found, &rotation, KeyStep::Publish, now);
            assert_eq!(rotation.step(&found, now + 179), KeyStep::Rest { until: Some(now + 180) });
            let step = rotation.step(&found, now + 180);
            assert!(matches!(step, KeyStep::Switch { .. }));
            follow(&mut found, &rotation, step, now + 180);
            found.retired_until.clear();
            assert_eq!(rotation.step(&found, now + 181), KeyStep::Rest { until: None });
        }
    }

    #[test]
    fn whoever_is_in_a_hurry_does_not_wait_for_the_pods() {
        let rotation = KeyRotation { asked: Some("now-1".into()), ..monthly() };
        let mut found = KeysFound::default();
        let step = rotation.step(&found, 5);
        follow(&mut found, &rotation, step, 5);
        assert!(matches!(rotation.step(&found, 5), KeyStep::Switch { .. }));
        // A hurry that comes while a key is published for another reason waits its turn.
        let published = KeysFound { next_since: Some(5), ..KeysFound::default() };
        assert_eq!(rotation.step(&published, 6), KeyStep::Rest { until: Some(185) });
    }

    #[test]
    fn a_store_that_never_asks_keeps_its_key_and_a_clock_that_goes_back_does_no_harm() {
        let never = KeyRotation { every: None, ..monthly() };
        assert_eq!(never.step(&KeysFound::default(), i64::MAX), KeyStep::Rest { until: None });
        let found = KeysFound { since: 10 * DAY, ..KeysFound::default() };
        assert_eq!(monthly().step(&found, 0), KeyStep::Rest { until: Some(40 * DAY) });
    }
}
