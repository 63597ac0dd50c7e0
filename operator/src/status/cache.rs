//! The caches one by one.

use shop_policy::{CacheName, Pattern, Policy};
use shopkeeper_api::{CachePolicyStatus, CacheStatus, Duration, StoreStatus};
use shopkeeper_plan::service_of;

use super::Picture;
use crate::{
    hits::HitRatios,
    policies::{PodState, PolicyPicture},
};

/// What is said of each cache. What is not known, as after a start of the operator, stays as it was told.
pub(super) fn cache(picture: &Picture, former: &StoreStatus) -> Vec<CacheStatus> {
    let mut all = match (&picture.cache.asked, &picture.cache.pods) {
        (Some(asked), Some(pods)) => asked.iter().map(|(cache, policy)| one(cache, policy, pods)).collect(),
        _ => former.cache.clone(),
    };
    for cache in &mut all {
        let known = |hits: &HitRatios| -> Option<u8> { hits.caches.get(&CacheName::parse(&cache.name).ok()?).copied() };
        let told = || former.cache.iter().find(|it| it.name == cache.name)?.hit_ratio.clone();
        let ratio = picture.cache.hits.as_ref().and_then(known).map(share).or_else(told);
        cache.hit_ratio = ratio;
    }
    all
}

/// What is said of all policies together; `None` as long as it is not known.
pub(super) fn policy(picture: &Picture) -> Option<CachePolicyStatus> {
    let PolicyPicture { version, pods } = picture.cache.pods.as_ref()?;
    let applied = pods.iter().filter(|pod| pod.state == PodState::Applied).count();
    Some(CachePolicyStatus {
        generation: version.generation,
        hash: version.hash.clone(),
        pods_applied: format!("{applied}/{}", pods.len()),
    })
}

/// What is said of all caches together.
pub(super) fn hit_ratio(picture: &Picture, former: &StoreStatus) -> Option<String> {
    let known = picture.cache.hits.as_ref().and_then(|hits| hits.all);
    known.map(share).or_else(|| former.hit_ratio.clone())
}

/// Hundredths as people write a share: `0.93`.
fn share(hundredths: u8) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn one(cache: CacheName, policy: &Policy, picture: &PolicyPicture) -> CacheStatus {
    let pods: Vec<_> = picture.pods.iter().filter(|pod| pod.component == service_of(cache)).collect();
    let applied = pods.iter().filter(|pod| pod.state == PodState::Applied).count();
    CacheStatus {
        name: cache.to_string(),
        pattern: word(policy.pattern).into(),
        ttl: Duration::from(policy.ttl).to_string(),
        hit_ratio: None,
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
