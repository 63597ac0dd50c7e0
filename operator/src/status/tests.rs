use shop_policy::{CacheName, Policies};
use shopkeeper_plan::{Component, LeftOut, PolicyVersion};

use super::*;
use crate::{
    apply::{Progress, Seed, Setback},
    health::{Failure, Workload},
    hits::HitRatios,
    observed::Backups,
    policies::{PodPicture, PodState, PolicyPicture},
    troubles::{Cause, Trouble},
};

fn pods(ready: i32) -> Workload {
    Workload { desired: 1, ready, pods: ready, rolled_out: true, stuck: None, image: Some("r/x:v1".into()) }
}

fn picture(outcome: Outcome) -> Picture {
    let names = ["catalog", "cart", "order", "user", "gateway"];
    Picture {
        generation: Some(3),
        outcome,
        asked_to_rest: false,
        setbacks: Vec::new(),
        database: Some(Some(pods(1))),
        by_cloud_native_pg: false,
        no_cloud_native_pg: false,
        redis: Some(Some(pods(1))),
        services: names.iter().map(|name| ServicePicture { name: (*name).into(), workload: Some(pods(1)) }).collect(),
        troubles: Vec::new(),
        monitoring: Some(MonitoringPicture::default()),
        endpoints: None,
        version: Some("v1".into()),
        cache: CachePicture { asked: Some(Policies::default()), invalid: None, pods: None, hits: None },
        backups: None,
    }
}

fn applied(seed: Seed) -> Outcome {
    Outcome::Progress(Progress::Applied { seed })
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

#[track_caller]
fn says(picture: &Picture, type_: &str, status_: &str, reason: &str) {
    let status = status(picture, &StoreStatus::default(), at(0));
    let condition = status.conditions.iter().find(|condition| condition.type_ == type_).unwrap();
    assert_eq!((condition.status.as_str(), condition.reason.as_str()), (status_, reason), "{}", condition.message);
}

#[test]
fn a_shop_is_ready_when_all_its_parts_are() {
    let picture = picture(applied(Seed::Done));
    says(&picture, "Ready", "True", "Ready");
    says(&picture, "Progressing", "False", "UpToDate");
    says(&picture, "Degraded", "False", "AllWell");
}

#[test]
fn a_shop_without_redis_is_still_ready() {
    let mut picture = picture(applied(Seed::Done));
    picture.redis = Some(Some(pods(0)));
    says(&picture, "Ready", "True", "Ready");
    says(&picture, "RedisReady", "False", "NotReady");
}

#[test]
fn what_is_missing_is_named() {
    let mut picture = picture(applied(Seed::Done));
    picture.services[1].workload = Some(pods(0));
    says(&picture, "Ready", "False", "ServicesNotReady");
    picture.database = Some(None);
    says(&picture, "Ready", "False", "DatabaseNotReady");
}

fn trouble(component: Component, cause: Cause) -> Trouble {
    Trouble { component, cause, message: "so it is".into(), since: None }
}

#[test]
fn what_keeps_pods_from_coming_up_is_why_the_shop_is_not_ready() {
    let mut picture = picture(Outcome::Progress(Progress::Migrating));
    picture.troubles = vec![trouble(Component::Migrate, Cause::ImagePullFailed)];
    says(&picture, "Ready", "False", "ImagePullFailed");
    says(&picture, "Degraded", "True", "ImagePullFailed");
    says(&picture, "Progressing", "True", "Migrating");
}

#[test]
fn a_shop_whose_redis_has_no_node_is_ready_and_degraded() {
    let mut picture = picture(applied(Seed::Done));
    picture.redis = Some(Some(pods(0)));
    picture.troubles = vec![trouble(Component::Redis, Cause::Unschedulable)];
    says(&picture, "Ready", "True", "Ready");
    says(&picture, "Degraded", "True", "Unschedulable");
}

#[test]
fn a_shop_that_waits_for_its_turn_is_open_and_says_so() {
    let mut picture = picture(Outcome::Progress(Progress::AwaitingTurn));
    says(&picture, "Ready", "True", "Ready");
    says(&picture, "Progressing", "True", "AwaitingTurn");
    assert!(!holds_up_nobody(&picture));
    let told = |picture: &Picture, former: &StoreStatus| status(picture, former, at(0)).versions.unwrap().shop;
    let former = status(&picture, &StoreStatus::default(), at(0));
    picture.version = Some("v2".into());
    assert_eq!(told(&picture, &former), "v1", "it is of the former version until then");
    picture.outcome = applied(Seed::Done);
    assert_eq!(told(&picture, &former), "v2");
    assert!(holds_up_nobody(&picture));
    let slow = ("prometheus".to_owned(), Some(pods(0)));
    picture.monitoring = Some(MonitoringPicture { parts: vec![slow], ..MonitoringPicture::default() });
    assert!(!holds_up_nobody(&picture), "others wait for what watches it too");
    picture.monitoring =
        Some(MonitoringPicture { parts: vec![("prometheus".to_owned(), None)], ..MonitoringPicture::default() });
    assert!(!holds_up_nobody(&picture), "and for what is not there yet");
    picture.monitoring = Some(watched(1));
    picture.redis = Some(Some(pods(0)));
    says(&picture, "Ready", "True", "Ready");
    assert!(!holds_up_nobody(&picture), "and for Redis, without which the shop is open");
}

#[test]
fn a_failed_migration_is_told_and_blocks() {
    let picture =
        picture(Outcome::Progress(Progress::MigrationFailed { job: "demo-migrate-1".into(), message: "m".into() }));
    says(&picture, "Ready", "False", "MigrationFailed");
    says(&picture, "Degraded", "True", "MigrationFailed");
    says(&picture, "Progressing", "False", "Blocked");
}

#[test]
fn a_failed_seed_degrades_but_the_shop_is_open() {
    let picture = picture(applied(Seed::Failed { job: "demo-seed-1".into(), message: "m".into() }));
    says(&picture, "Ready", "True", "Ready");
    says(&picture, "Degraded", "True", "SeedFailed");
}

#[test]
fn a_paused_store_still_tells_how_it_is() {
    let mut picture = picture(Outcome::Paused);
    says(&picture, "Paused", "True", "PausedByAnnotation");
    says(&picture, "Ready", "True", "Ready");
    picture.services[0].workload = None;
    says(&picture, "Ready", "False", "ServicesNotReady");
}

#[test]
fn a_suspended_shop_says_so_everywhere_and_nothing_is_wrong() {
    let mut picture = picture(Outcome::Progress(Progress::Suspending));
    says(&picture, "Progressing", "True", "Suspending");
    picture.outcome = Outcome::Progress(Progress::Suspended);
    picture.services[0].workload = Some(pods(0));
    picture.database = Some(Some(pods(0)));
    for type_ in ["Ready", "DatabaseReady", "RedisReady", "ServicesReady", "Progressing"] {
        says(&picture, type_, "False", "Suspended");
    }
    says(&picture, "Degraded", "False", "AllWell");
    says(&picture, "Paused", "False", "NotPaused");
    picture.database = None;
    says(&picture, "DatabaseReady", "True", "External");
}

#[test]
fn a_shop_that_was_suspended_and_then_paused_is_not_said_to_be_open() {
    let mut picture = picture(Outcome::Paused);
    picture.asked_to_rest = true;
    says(&picture, "Ready", "True", "Ready");
    for service in &mut picture.services {
        service.workload = Some(Workload { desired: 0, ..pods(0) });
    }
    for type_ in ["Ready", "DatabaseReady", "RedisReady", "ServicesReady"] {
        says(&picture, type_, "False", "Suspended");
    }
    says(&picture, "Paused", "True", "PausedByAnnotation");
    picture.asked_to_rest = false;
    says(&picture, "ServicesReady", "False", "Waiting");
    let none = Some(Workload { desired: 0, ..pods(0) });
    (picture.database, picture.redis) = (Some(none.clone()), Some(none));
    says(&picture, "DatabaseReady", "False", "NotReady");
    says(&picture, "RedisReady", "False", "NotReady");
}

#[test]
fn a_shop_of_which_nothing_more_comes_until_somebody_changes_it_holds_up_nobody() {
    let terminal = Outcome::Failed { reason: "InvalidSpec", message: "m".into(), terminal: true };
    for outcome in [Outcome::Paused, Outcome::Progress(Progress::Suspended), terminal] {
        assert!(holds_up_nobody(&picture(outcome.clone())), "{outcome:?}");
    }
    let retried = Outcome::Failed { reason: "QuotaExceeded", message: "m".into(), terminal: false };
    for outcome in [retried, Outcome::Progress(Progress::Migrating)] {
        assert!(!holds_up_nobody(&picture(outcome.clone())), "{outcome:?}");
    }
}

#[test]
fn what_could_not_be_done_is_told_while_the_shop_is_open() {
    let mut picture = picture(applied(Seed::Done));
    picture.setbacks = vec![
        Setback { reason: "GatewayApiMissing", message: "no routes".into() },
        Setback { reason: "VolumeCannotGrow", message: "no room".into() },
    ];
    says(&picture, "Ready", "True", "Ready");
    says(&picture, "Degraded", "True", "GatewayApiMissing");
    let status = status(&picture, &StoreStatus::default(), at(0));
    let degraded = status.conditions.iter().find(|it| it.type_ == "Degraded").unwrap();
    assert_eq!(degraded.message, "no routes; no room");
}

#[test]
fn a_backup_that_failed_is_told_after_what_is_worse_and_when_one_succeeded_is_remembered() {
    let mut picture = picture(applied(Seed::Done));
    let of = |picture: &Picture, former: &StoreStatus| status(picture, former, at(0));
    picture.backups = Some(Backups::default());
    assert_eq!(of(&picture, &StoreStatus::default()).backup, None, "nothing is known");
    picture.backups = Some(Backups { last_success: Some(at(100)), failed: None });
    let told = of(&picture, &StoreStatus::default());
    says(&picture, "Degraded", "False", "AllWell");
    let failure = Failure { at: at(200), why: "no room".into() };
    picture.backups = Some(Backups { last_success: None, failed: Some(("demo-backup-1".into(), failure)) });
    says(&picture, "Ready", "True", "Ready");
    says(&picture, "Degraded", "True", "BackupFailed");
    let backup = of(&picture, &told).backup.unwrap();
    assert_eq!(backup.last_success_time, Some(Time(at(100))));
    let failure = backup.last_failure.unwrap();
    assert_eq!(
        (failure.job.as_str(), failure.message.as_str(), failure.time),
        ("demo-backup-1", "no room", Time(at(200)))
    );
    picture.setbacks = vec![Setback { reason: "VolumeCannotGrow", message: "no room".into() }];
    says(&picture, "Degraded", "True", "VolumeCannotGrow");
    picture.backups = None;
    assert_eq!(of(&picture, &told).backup, None, "there are to be none");
}

fn watched(ready: i32) -> MonitoringPicture {
    let parts = vec![("prometheus".to_owned(), Some(pods(1))), ("jaeger".to_owned(), Some(pods(ready)))];
    MonitoringPicture { parts, ..MonitoringPicture::default() }
}

#[test]
fn what_watches_the_shop_is_told_of_and_the_shop_is_open_without_it() {
    let mut picture = picture(applied(Seed::Done));
    says(&picture, "MonitoringReady", "True", "NothingAsked");
    picture.monitoring = Some(watched(1));
    says(&picture, "MonitoringReady", "True", "AllReady");
    picture.monitoring = Some(watched(0));
    says(&picture, "MonitoringReady", "False", "Waiting");
    let mut sick = watched(0);
    sick.troubles = vec![trouble(Component::Jaeger, Cause::PodsCrashing)];
    picture.monitoring = Some(sick.clone());
    says(&picture, "MonitoringReady", "False", "PodsCrashing");
    sick.outcome.failed = Some(Setback { reason: "QuotaExceeded", message: "no room".into() });
    picture.monitoring = Some(sick);
    says(&picture, "MonitoringReady", "False", "QuotaExceeded");
    for (type_, status) in [("Ready", "True"), ("Degraded", "False"), ("Progressing", "False")] {
        let found = super::status(&picture, &StoreStatus::default(), at(0)).conditions;
        assert_eq!(found.iter().find(|it| it.type_ == type_).unwrap().status, status, "{type_}");
    }
    picture.outcome = Outcome::Progress(Progress::Suspended);
    says(&picture, "MonitoringReady", "False", "Suspended");
}

#[test]
fn what_cannot_be_had_is_named_when_all_else_is_ready() {
    let mut picture = picture(applied(Seed::Done));
    let left_out = LeftOut { reason: "ImageMissing", message: "grafana is left out".into() };
    let mut monitoring = watched(1);
    monitoring.outcome.left_out = vec![left_out];
    picture.monitoring = Some(monitoring.clone());
    says(&picture, "MonitoringReady", "False", "ImageMissing");
    let message = |picture: &Picture| {
        let status = status(picture, &StoreStatus::default(), at(0));
        status.conditions.into_iter().find(|it| it.type_ == "MonitoringReady").unwrap().message
    };
    assert_eq!(message(&picture), "grafana is left out; all else is ready");
    monitoring.parts = watched(0).parts;
    picture.monitoring = Some(monitoring);
    assert_eq!(message(&picture), "not ready yet: jaeger 0/1; grafana is left out");
}

#[test]
fn what_was_said_of_the_monitoring_stays_until_something_is_known() {
    let mut picture = picture(applied(Seed::Done));
    picture.monitoring = Some(watched(1));
    let told = status(&picture, &StoreStatus::default(), at(0));
    picture.monitoring = None;
    let later = status(&picture, &told, at(10));
    assert_eq!(later, told);
}

#[test]
fn a_database_of_cloud_native_pg_answers_with_one_server_and_is_named_when_it_is_missing() {
    let mut picture = picture(applied(Seed::Done));
    picture.by_cloud_native_pg = true;
    picture.database = Some(Some(Workload { desired: 3, ready: 1, rolled_out: false, ..pods(1) }));
    says(&picture, "DatabaseReady", "True", "Running");
    says(&picture, "Ready", "True", "Ready");
    picture.database = Some(None);
    picture.no_cloud_native_pg = true;
    says(&picture, "DatabaseReady", "False", "CloudNativePgMissing");
    says(&picture, "Ready", "False", "CloudNativePgMissing");
}

#[test]
fn a_transition_time_moves_only_when_the_status_flips() {
    let mut waiting = picture(applied(Seed::Done));
    waiting.services[0].workload = Some(pods(0));
    let first = status(&waiting, &StoreStatus::default(), at(10));
    waiting.services[1].workload = Some(pods(0));
    let second = status(&waiting, &first, at(20));
    let ready =
        |status: &StoreStatus| status.conditions.iter().find(|it| it.type_ == "Ready").unwrap().last_transition_time.0;
    assert_eq!(ready(&second), at(10));
    let third = status(&picture(applied(Seed::Done)), &second, at(30));
    assert_eq!(ready(&third), at(30));
}

#[test]
fn the_same_picture_gives_the_same_status() {
    let picture = picture(applied(Seed::Done));
    let first = status(&picture, &StoreStatus::default(), at(10));
    assert_eq!(status(&picture, &first, at(20)), first);
}

fn with_pods(states: &[PodState]) -> Picture {
    let pods = states.iter().enumerate().map(|(number, state)| PodPicture {
        name: format!("demo-catalog-{number}"),
        component: if number == 0 { Component::Cart } else { Component::Catalog },
        state: state.clone(),
    });
    let version = PolicyVersion { generation: 2, hash: "h".into() };
    let pods = Some(PolicyPicture { version, pods: pods.collect() });
    Picture {
        cache: CachePicture { asked: Some(Policies::default()), invalid: None, pods, hits: None },
        ..picture(applied(Seed::Done))
    }
}

#[test]
fn cache_policies_are_applied_when_every_pod_has_them() {
    let all = with_pods(&[PodState::Applied, PodState::Applied, PodState::Applied]);
    says(&all, "CachePolicyApplied", "True", "Applied");
    let said = status(&all, &StoreStatus::default(), at(0)).cache;
    let of = |name: &str| said.iter().find(|cache| cache.name == name).unwrap();
    assert_eq!((of("products").pods_applied.as_str(), of("cart").pods_applied.as_str()), ("2/2", "1/1"));
    assert_eq!((of("bestsellers").pattern.as_str(), of("bestsellers").ttl.as_str()), ("RefreshAhead", "1h"));
    let policy = status(&all, &StoreStatus::default(), at(0)).cache_policy.unwrap();
    assert_eq!((policy.generation, policy.hash.as_str(), policy.pods_applied.as_str()), (2, "h", "3/3"));
    says(&with_pods(&[]), "CachePolicyApplied", "False", "NoPods");
}

#[test]
fn a_pod_without_the_policies_is_named_with_its_reason() {
    let waiting = PodState::Waiting("no answer".into());
    let some = with_pods(&[PodState::Applied, waiting.clone()]);
    says(&some, "CachePolicyApplied", "False", "Waiting");
    says(&some, "Ready", "True", "Ready");
    let message = |picture: &Picture| {
        let status = status(picture, &StoreStatus::default(), at(0));
        status.conditions.into_iter().find(|it| it.type_ == "CachePolicyApplied").unwrap().message
    };
    assert_eq!(
        message(&some),
        "1 of 2 pods run the cache policies of generation 2; not yet demo-catalog-1 (no answer)"
    );
    let rejected = with_pods(&[waiting.clone(), PodState::Rejected("no ttl".into())]);
    says(&rejected, "CachePolicyApplied", "False", "Rejected");
    assert!(message(&rejected).ends_with("by demo-catalog-1 (no ttl)"), "{}", message(&rejected));
    assert!(message(&with_pods(&vec![waiting; 9])).ends_with(" and 6 more"));
}

#[test]
fn what_was_said_of_the_caches_stays_until_something_is_known() {
    let known = status(&with_pods(&[PodState::Applied]), &StoreStatus::default(), at(10));
    assert_eq!(status(&picture(applied(Seed::Done)), &known, at(20)), StoreStatus { ..known.clone() });
    let mut invalid = picture(applied(Seed::Done));
    invalid.cache = CachePicture { asked: None, invalid: Some("products: no ttl".into()), pods: None, hits: None };
    says(&invalid, "CachePolicyApplied", "False", "InvalidPolicy");
    assert_eq!(status(&invalid, &known, at(20)).cache, known.cache);
}

#[test]
fn how_often_the_caches_had_the_answer_is_told_and_stays_until_more_is_known() {
    let mut known = with_pods(&[PodState::Applied]);
    known.cache.hits = Some(HitRatios { all: Some(93), caches: [(CacheName::Products, 5)].into() });
    let told = status(&known, &StoreStatus::default(), at(0));
    let of = |status: &StoreStatus, name: &str| {
        status.cache.iter().find(|cache| cache.name == name).and_then(|cache| cache.hit_ratio.clone())
    };
    assert_eq!(told.hit_ratio.as_deref(), Some("0.93"));
    assert_eq!((of(&told, "products").as_deref(), of(&told, "cart")), (Some("0.05"), None));
    let after_a_start = with_pods(&[PodState::Applied]);
    assert_eq!(status(&after_a_start, &told, at(10)), told);
    known.cache.hits = Some(HitRatios { all: Some(100), caches: [(CacheName::Cart, 100)].into() });
    let later = status(&known, &told, at(20));
    assert_eq!(later.hit_ratio.as_deref(), Some("1.00"));
    assert_eq!((of(&later, "products").as_deref(), of(&later, "cart").as_deref()), (Some("0.05"), Some("1.00")));
}

#[test]
fn the_versions_of_what_runs_are_told() {
    let versions = status(&picture(applied(Seed::Done)), &StoreStatus::default(), at(0)).versions.unwrap();
    assert_eq!((versions.shop.as_str(), versions.database.as_deref()), ("v1", Some("v1")));
    let mut external = picture(applied(Seed::Done));
    external.database = None;
    assert_eq!(status(&external, &StoreStatus::default(), at(0)).versions.unwrap().database, None);
}
