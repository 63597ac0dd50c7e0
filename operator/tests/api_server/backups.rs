//! Backups of the database: what makes them comes and goes with the field, and what they are in stays.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use kube::{
    Api, ResourceExt,
    api::{DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use shopkeeper_api::BackupStatus;
use shopkeeper_operator::kind::Kind;

use crate::support::{World, children, condition, eventually};

fn spec(backup: &Value) -> Value {
    json!({"database": {"managed": {"backup": backup}}})
}

fn cron_jobs(world: &World) -> Api<CronJob> {
    Api::namespaced(world.client.clone(), &world.namespace)
}

/// The volume of the backups.
async fn volume(world: &World) -> DynamicObject {
    let found = children(&world.client, &world.namespace).await;
    found[&(Kind::PersistentVolumeClaim, "demo-backup".to_owned())].object.clone()
}

async fn until_owners(world: &World, wanted: usize) {
    eventually(&format!("{wanted} owners of the volume"), || async {
        let owners = volume(world).await.owner_references().len();
        if owners == wanted { Ok(()) } else { Err(format!("{owners}")) }
    })
    .await;
}

async fn until_gone(world: &World, kind: Kind) {
    eventually(&format!("{kind} demo-backup to go"), || async {
        let found = children(&world.client, &world.namespace).await;
        if found.contains_key(&(kind, "demo-backup".to_owned())) { Err("still there".to_owned()) } else { Ok(()) }
    })
    .await;
}

async fn until_suspended(world: &World, wanted: bool) {
    eventually(&format!("the CronJob to have suspend={wanted}"), || async {
        let suspend =
            cron_jobs(world).get("demo-backup").await.expect("the CronJob").spec.and_then(|spec| spec.suspend);
        if suspend == Some(wanted) { Ok(()) } else { Err(format!("{suspend:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_backups_goes_with_the_field_and_their_volume_follows_data_retention() {
    let world = World::new("backups").await;
    let operator = world.operator();
    let store = world.apply("demo", spec(&json!({}))).await;
    let backup = store.spec.database().managed.and_then(|managed| managed.backup).expect("backups");
    assert_eq!((backup.schedule.as_str(), backup.time_zone.as_str(), backup.keep), ("0 3 * * *", "UTC", 7));
    world.ready("demo").await;
    assert!(cron_jobs(&world).get("demo-backup").await.is_ok());
    until_owners(&world, 0).await;

    let mut resting = spec(&json!({}));
    resting["suspend"] = json!(true);
    world.apply("demo", resting).await;
    until_suspended(&world, true).await;
    world.apply("demo", spec(&json!({}))).await;
    until_suspended(&world, false).await;

    world.apply("demo", json!({})).await;
    until_gone(&world, Kind::CronJob).await;
    until_gone(&world, Kind::NetworkPolicy).await;
    let uid = volume(&world).await.uid();
    world.apply("demo", json!({"dataRetention": "Delete"})).await;
    until_owners(&world, 1).await;
    world.apply("demo", json!({"dataRetention": "Retain"})).await;
    until_owners(&world, 0).await;
    assert_eq!(volume(&world).await.uid(), uid, "it is still the same");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_was_left_is_taken_as_it_is() {
    let world = World::new("backups-again").await;
    let operator = world.operator();
    let sized = |size: &str| spec(&json!({"storage": {"size": size}}));
    world.apply("demo", sized("3Gi")).await;
    world.ready("demo").await;
    world.apply("demo", json!({})).await;
    until_gone(&world, Kind::CronJob).await;
    world.apply("demo", sized("1Gi")).await;
    let store = world.ready("demo").await;
    assert_eq!(condition(&store, "Degraded").expect("Degraded").status, "False");
    assert_eq!(volume(&world).await.data["spec"]["resources"]["requests"]["storage"], "3Gi");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_is_none_is_refused_and_one_that_slips_through_keeps_nothing_from_being_made() {
    let world = World::new("backups-refused").await;
    let operator = world.operator();
    let put = async |schedule: &str| {
        let store = json!({"apiVersion": "shopkeeper.dev/v1alpha1", "kind": "Store", "metadata": {"name": "demo"},
                           "spec": spec(&json!({"schedule": schedule}))});
        world.stores().patch("demo", &PatchParams::apply("test").force(), &Patch::Apply(store)).await
    };
    let refused = put("every night").await.expect_err("a refusal").to_string();
    assert!(refused.contains("write five fields as in a crontab"), "{refused}");
    put("0 5-3 * * *").await.expect("the rules let it through");
    let store = world.until("demo", "Degraded", "True").await;
    let degraded = condition(&store, "Degraded").expect("Degraded");
    assert_eq!(degraded.reason, "BackupRefused", "{}", degraded.message);
    world.ready("demo").await;
    put("0 3-5 * * *").await.expect("a schedule");
    world.until("demo", "Degraded", "False").await;
    operator.stop().await;
}

/// What the status says of the backups, once that is so.
async fn told(world: &World, what: &str, is_so: impl Fn(&BackupStatus) -> bool) {
    eventually(what, || async {
        let backup = world.store("demo").await.status.and_then(|status| status.backup);
        if backup.as_ref().is_some_and(&is_so) { Ok(()) } else { Err(format!("{backup:?}")) }
    })
    .await;
}

/// Says, as the controller of a `CronJob` does, when a run came to a good end.
async fn succeeded(world: &World, at: &str) {
    let status = json!({"status": {"lastSuccessfulTime": at}});
    cron_jobs(world)
        .patch_status("demo-backup", &PatchParams::default(), &Patch::Merge(status))
        .await
        .expect("a status");
}

/// A run of the `CronJob`, as its controller makes it, that is given up.
async fn failed_run(world: &World, name: &str) {
    let cron_job = cron_jobs(world).get("demo-backup").await.expect("the CronJob");
    let template = cron_job.spec.clone().expect("a spec").job_template;
    let mut job = Job { metadata: template.metadata.unwrap_or_default(), spec: template.spec, status: None };
    job.metadata.name = Some(name.to_owned());
    job.metadata.owner_references = kube::Resource::controller_owner_ref(&cron_job, &()).map(|owner| vec![owner]);
    let jobs: Api<Job> = Api::namespaced(world.client.clone(), &world.namespace);
    jobs.create(&PostParams::default(), &job).await.expect("a Job");
    let now = Timestamp::now();
    let condition = |type_: &str| json!({"type": type_, "status": "True", "reason": "BackoffLimitExceeded", "message": "too often", "lastTransitionTime": now});
    let status = json!({"status": {"startTime": now, "failed": 1, "conditions": [condition("FailureTarget"), condition("Failed")]}});
    jobs.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.expect("its status");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_tells_when_a_backup_was_made_and_that_one_failed() {
    let world = World::new("backups-told").await;
    let operator = world.operator();
    world.apply("demo", spec(&json!({}))).await;
    let store = world.ready("demo").await;
    assert_eq!(store.status.and_then(|status| status.backup), None, "there was none yet");
    // From here on nobody says that Jobs are done.
    world.players.rest().await;

    succeeded(&world, "2026-01-01T03:00:10Z").await;
    let at = |backup: &BackupStatus| backup.last_success_time.as_ref().map(|time| time.0.to_string());
    told(&world, "a backup to be told", |it| at(it).as_deref() == Some("2026-01-01T03:00:10Z")).await;

    failed_run(&world, "demo-backup-1").await;
    told(&world, "its failure to be told", |it| it.last_failure.as_ref().is_some_and(|it| it.job == "demo-backup-1"))
        .await;
    let store = world.until("demo", "Degraded", "True").await;
    assert_eq!(condition(&store, "Degraded").expect("Degraded").reason, "BackupFailed");
    assert_eq!(condition(&store, "Ready").expect("Ready").status, "True", "the shop does not notice");

    // The event about it is written after the status.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (writes, reconciles) = (operator.writes(), operator.reconciles());
    let label = json!({"metadata": {"labels": {"looked": "again"}}});
    world.stores().patch("demo", &PatchParams::default(), &Patch::Merge(label)).await.expect("a label");
    eventually("another look", || async {
        if operator.reconciles() > reconciles { Ok(()) } else { Err("none".to_owned()) }
    })
    .await;
    assert_eq!(operator.writes(), writes, "what was told is not told again");

    let later = Timestamp::now() + Duration::from_secs(3600);
    succeeded(&world, &later.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).await;
    told(&world, "the failure to be over", |it| it.last_failure.is_none()).await;
    world.until("demo", "Degraded", "False").await;
    operator.stop().await;
}
