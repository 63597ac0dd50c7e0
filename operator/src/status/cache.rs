//! The caches one by one.

use shop_policy::{CacheName, Pattern, Policy};
use shopkeeper_api::{CacheStatus, Duration};
use shopkeeper_plan::service_of;

use super::Picture;
use crate::policies::{PodState, PolicyPicture};

/// What is said of each cache; `None` as long as it is not known.
pub(super) fn cache(picture: &Picture) -> Option<Vec<CacheStatus>> {
    let (asked, pods) = (picture.cache.asked.as_ref()?, picture.cache.pods.as_ref()?);
    Some(asked.iter().map(|(cache, policy)| one(cache, policy, pods)).collect())
}

fn one(cache: CacheName, policy: &Policy, picture: &PolicyPicture) -> CacheStatus {
    let pods: Vec<_> = picture.pods.iter().filter(|pod| pod.component == service_of(cache)).collect();
    let applied = pods.iter().filter(|pod| pod.state == PodState::Applied).count();
    CacheStatus {
        name: cache.to_string(),
        pattern: word(policy.pattern).into(),
        ttl: Duration::from(policy.ttl).to_string(),
        pods_applied: format!("{applied}/{}", pods.len()),
    }
}

const fn word(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::CacheAside => "CacheAside",
        Pattern::WriteThrough => "WriteThrough",
        Pattern::RefreshAhead => "RefreshAhead",
        Pattern::EventInvalidated => "EventInvalidated",
        Pattern::None => "None",
    }
}
