//! What a Lease says, and what a replica makes of it. Pure.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::api::ObjectMeta;

use super::clock::Moment;

/// The Lease as it was last seen, and since when it has been like that.
#[derive(Clone, Debug)]
pub struct Seen {
    lease: Option<Lease>,
    /// When this holder's last renewal was first seen, by our own clock.
    since: Moment,
    /// How long it has to stay like that to be free.
    wait: Duration,
}

impl Seen {
    /// The first look; there may be none.
    pub fn first(lease: Option<Lease>, duration: Duration, now: Moment) -> Self {
        let wait = if lease.is_some() { promised(lease.as_ref(), duration) } else { Duration::ZERO };
        Self { lease, since: now, wait }
    }

    /// Another look. Only a renewal, or another holder, is news; a label is not.
    pub fn again(&mut self, lease: Option<Lease>, duration: Duration, now: Moment) {
        match &lease {
            // Its holder does not know yet that it was deleted, so it is waited for as if it were there.
            None => {}
            Some(_) if spec(self.lease.as_ref()) == spec(lease.as_ref()) => {}
            Some(_) => {
                self.since = now;
                self.wait = promised(lease.as_ref(), duration);
            }
        }
        self.lease = lease;
    }

    /// When it is free, if it stays as it is.
    pub fn free_at(&self) -> Moment {
        self.since.after(self.wait)
    }

    /// The version to name in an update; `None` if it has to be made.
    pub fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }
}

fn spec(lease: Option<&Lease>) -> Option<&LeaseSpec> {
    lease?.spec.as_ref()
}

/// Nothing, if nobody holds it. Otherwise what its holder has promised to renew it within.
fn promised(lease: Option<&Lease>, duration: Duration) -> Duration {
    let Some(spec) = spec(lease) else { return Duration::ZERO };
    if spec.holder_identity.as_deref().is_none_or(str::is_empty) {
        return Duration::ZERO;
    }
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok()).filter(|it| *it > 0);
    seconds.map_or(duration, Duration::from_secs)
}

/// The Lease with a new holder. It names the version that was seen, so that it is refused if that is not the newest.
pub fn taken(seen: Option<&Lease>, name: &str, identity: &str, duration: Duration, now: Timestamp) -> Lease {
    let former = seen.and_then(|lease| lease.spec.clone()).unwrap_or_default();
    let first = seen.is_none();
    Lease {
        metadata: metadata(seen, name),
        spec: Some(LeaseSpec {
            holder_identity: Some(identity.to_owned()),
            lease_duration_seconds: i32::try_from(duration.as_secs()).ok(),
            acquire_time: Some(MicroTime(now)),
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(former.lease_transitions.unwrap_or(0).saturating_add(i32::from(!first))),
            ..former
        }),
    }
}

/// The Lease, renewed.
pub fn renewed(held: &Lease, now: Timestamp) -> Lease {
    let mut lease = held.clone();
    lease.metadata.managed_fields = None;
    lease.spec.get_or_insert_default().renew_time = Some(MicroTime(now));
    lease
}

/// The Lease without a holder.
pub fn released(held: &Lease, now: Timestamp) -> Lease {
    let mut lease = renewed(held, now);
    let spec = lease.spec.get_or_insert_default();
    // As client-go does it: others that go by the duration need not wait either.
    spec.holder_identity = Some(String::new());
    spec.lease_duration_seconds = Some(1);
    lease
}

/// Whether it is held by this process.
pub fn is_held_by(lease: &Lease, identity: &str) -> bool {
    spec(Some(lease)).is_some_and(|spec| spec.holder_identity.as_deref() == Some(identity))
}

fn metadata(seen: Option<&Lease>, name: &str) -> ObjectMeta {
    let mut metadata = seen.map(|lease| lease.metadata.clone()).unwrap_or_default();
    metadata.name = Some(name.to_owned());
    metadata.managed_fields = None;
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;

    const DURATION: Duration = Duration::from_secs(15);

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * 1_000_000_000)
    }

    fn time(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn held(renewed_at: i64) -> Lease {
        renewed(&taken(None, "operator", "other", DURATION, time(0)), time(renewed_at))
    }

    #[test]
    fn a_held_lease_is_free_only_after_its_duration_without_a_renewal() {
        let mut seen = Seen::first(Some(held(0)), DURATION, at(100));
        assert_eq!(seen.free_at(), at(115));
        seen.again(Some(held(0)), DURATION, at(110));
        assert_eq!(seen.free_at(), at(115));
        seen.again(Some(held(5)), DURATION, at(112));
        assert_eq!(seen.free_at(), at(127));
    }

    #[test]
    fn the_times_that_it_names_are_not_believed() {
        let seen = Seen::first(Some(held(-1_000_000)), DURATION, at(100));
        assert_eq!(seen.free_at(), at(115), "a holder whose calendar is far back holds it all the same");
    }

    #[test]
    fn what_its_holder_promised_counts_and_not_what_we_would() {
        let slow = taken(None, "operator", "other", Duration::from_secs(60), time(0));
        assert_eq!(Seen::first(Some(slow), DURATION, at(0)).free_at(), at(60));
    }

    #[test]
    fn a_label_on_it_is_no_renewal() {
        let mut seen = Seen::first(Some(held(0)), DURATION, at(100));
        let mut labelled = held(0);
        labelled.metadata.resource_version = Some("9".into());
        seen.again(Some(labelled), DURATION, at(110));
        assert_eq!(seen.free_at(), at(115));
        assert_eq!(seen.lease().unwrap().metadata.resource_version.as_deref(), Some("9"));
    }

    #[test]
    fn one_that_was_given_back_or_never_made_is_free_at_once() {
        let mut seen = Seen::first(Some(held(0)), DURATION, at(100));
        seen.again(Some(released(&held(0), time(1))), DURATION, at(101));
        assert_eq!(seen.free_at(), at(101));
        assert_eq!(Seen::first(None, DURATION, at(100)).free_at(), at(100));
    }

    #[test]
    fn one_that_was_deleted_while_held_is_waited_for() {
        let mut seen = Seen::first(Some(held(0)), DURATION, at(100));
        seen.again(None, DURATION, at(101));
        assert_eq!(seen.free_at(), at(115));
        assert!(seen.lease().is_none());
    }

    #[test]
    fn each_change_of_holder_is_counted() {
        let first = taken(None, "operator", "a", DURATION, time(0));
        assert_eq!(first.spec.as_ref().unwrap().lease_transitions, Some(0));
        let second = taken(Some(&first), "operator", "b", DURATION, time(1));
        assert_eq!(second.spec.as_ref().unwrap().lease_transitions, Some(1));
        assert!(is_held_by(&second, "b") && !is_held_by(&released(&second, time(2)), "b"));
    }
}
