//! Tells how a Store is: one file for each condition, all of them pure; written only when it differs.

mod backup;
mod cache;
mod cache_policy_applied;
mod database_ready;
mod degraded;
mod monitoring_ready;
mod paused;
mod picture;
mod progressing;
mod ready;
mod redis_ready;
mod services_ready;
mod verdict;
mod write;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use shopkeeper_api::{ConditionType, Endpoints, ServiceStatus, StoreStatus, Versions};

use crate::{apply::Progress, health::Workload};

pub use cache_policy_applied::REJECTED;
pub use picture::{CachePicture, MonitoringPicture, Outcome, Picture, ServicePicture};
pub use verdict::Verdict;
pub use write::write;

/// The status that a picture gives, with the times of the former one where nothing flipped.
pub fn status(picture: &Picture, former: &StoreStatus, now: Timestamp) -> StoreStatus {
    let verdicts = [
        (ConditionType::Ready, ready::ready(picture)),
        (ConditionType::Progressing, progressing::progressing(picture)),
        (ConditionType::Degraded, degraded::degraded(picture)),
        (ConditionType::DatabaseReady, database_ready::database_ready(picture)),
        (ConditionType::RedisReady, redis_ready::redis_ready(picture)),
        (ConditionType::ServicesReady, services_ready::services_ready(picture)),
        (ConditionType::Paused, paused::paused(picture)),
    ];
    let conditions = verdicts.into_iter().map(|(type_, verdict)| condition(picture, former, type_, verdict, now));
    // As long as nothing is known, as after a start of the operator, what was told stays.
    let known = [
        (ConditionType::MonitoringReady, monitoring_ready::monitoring_ready(picture)),
        (ConditionType::CachePolicyApplied, cache_policy_applied::cache_policy_applied(picture)),
    ];
    let known = known.into_iter().filter_map(|(type_, verdict)| match verdict {
        Some(verdict) => Some(condition(picture, former, type_, verdict, now)),
        None => find(former, type_).cloned(),
    });
    StoreStatus {
        observed_generation: picture.generation,
        conditions: conditions.chain(known).collect(),
        endpoints: picture
            .endpoints
            .as_ref()
            .map(|(public, internal)| Endpoints { public: public.clone(), internal: internal.clone() }),
        versions: version(picture, former).map(|shop| versions(picture, shop)),
        services: picture.services.iter().map(service_status).collect(),
        cache_policy: cache::policy(picture).or_else(|| former.cache_policy.clone()),
        hit_ratio: cache::hit_ratio(picture, former),
        cache: cache::cache(picture, former),
        backup: backup::backup(picture, former),
    }
}

/// Whether others need not wait for it: all that was asked for is there and ready, also what watches the shop, or nothing comes until somebody
/// changes it.
pub fn holds_up_nobody(picture: &Picture) -> bool {
    match &picture.outcome {
        Outcome::Paused
        | Outcome::Failed { terminal: true, .. }
        | Outcome::Progress(Progress::Suspending | Progress::Suspended) => true,
        Outcome::Progress(Progress::Applied { .. }) => ready::ready(picture).is_true() && is_all_there(picture),
        Outcome::Failed { .. } | Outcome::Progress(_) => false,
    }
}

/// Whether also those parts are well that a shop is open without.
fn is_all_there(picture: &Picture) -> bool {
    let watching = picture.monitoring.iter().flat_map(|it| &it.parts).map(|(_, pods)| pods);
    let mut parts = picture.database.iter().chain(&picture.redis).chain(watching);
    parts.all(|pods| pods.as_ref().is_some_and(Workload::is_healthy))
}

fn condition(
    picture: &Picture,
    former: &StoreStatus,
    type_: ConditionType,
    verdict: Verdict,
    now: Timestamp,
) -> Condition {
    let Verdict { status, reason, message } = verdict;
    let same = find(former, type_).filter(|condition| condition.status == status);
    Condition {
        type_: type_.as_str().into(),
        status: status.into(),
        reason: reason.into(),
        message,
        observed_generation: picture.generation,
        last_transition_time: same.map_or(Time(now), |condition| condition.last_transition_time.clone()),
    }
}

fn find(status: &StoreStatus, type_: ConditionType) -> Option<&Condition> {
    status.conditions.iter().find(|condition| condition.type_ == type_.as_str())
}

/// The version that is wanted; of a shop that waits for its turn, the one that it has until then.
fn version<'a>(picture: &'a Picture, former: &'a StoreStatus) -> Option<&'a str> {
    let waits = matches!(picture.outcome, Outcome::Progress(Progress::AwaitingTurn));
    let kept = former.versions.as_ref().filter(|_| waits).map(|versions| versions.shop.as_str());
    kept.or(picture.version.as_deref())
}

fn versions(picture: &Picture, shop: &str) -> Versions {
    let running = |workload: &Option<Option<Workload>>| {
        workload.as_ref()?.as_ref()?.image.as_deref().map(shopkeeper_plan::version_of)
    };
    Versions {
        operator: env!("CARGO_PKG_VERSION").into(),
        shop: shop.to_owned(),
        database: running(&picture.database),
        redis: running(&picture.redis),
    }
}

fn service_status(service: &ServicePicture) -> ServiceStatus {
    let workload = service.workload.clone().unwrap_or_default();
    ServiceStatus {
        name: service.name.clone(),
        ready: workload.ready,
        desired: workload.desired,
        version: workload.image.as_deref().map(shopkeeper_plan::version_of),
    }
}

#[cfg(test)]
mod tests;
