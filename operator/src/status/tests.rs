use super::*;
use crate::{
    apply::{Progress, Seed},
    health::Workload,
};

fn pods(ready: i32) -> Workload {
    Workload { desired: 1, ready, rolled_out: true, stuck: None, image: Some("r/x:v1".into()) }
}

fn picture(outcome: Outcome) -> Picture {
    let names = ["catalog", "cart", "order", "user", "gateway"];
    Picture {
        generation: Some(3),
        outcome,
        database: Some(Some(pods(1))),
        redis: Some(Some(pods(1))),
        services: names.iter().map(|name| ServicePicture { name: (*name).into(), workload: Some(pods(1)) }).collect(),
        endpoints: None,
        version: Some("v1".into()),
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
