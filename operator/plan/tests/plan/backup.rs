//! Backups: what is planned, and the script that makes them with a real PostgreSQL.

#![expect(clippy::needless_pass_by_value, reason = "so that a test writes json!() and no more")]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use k8s_openapi::api::batch::v1::CronJobSpec;
use serde_json::{Value, json};
use shopkeeper_api::Storage;
use shopkeeper_plan::{BackupParts, Found, plan, validate};

use crate::{
    fixture::{found, images, objects, planned, pod, with_spec},
    postgres::Pod,
};

const PASSWORD: &str = "a-password";

fn asked(backup: Value) -> BackupParts {
    planned(&with_spec(json!({"database": {"managed": {"backup": backup}}}))).backup.expect("backups")
}

fn cron_job(backup: Value) -> CronJobSpec {
    asked(backup).cron_job.and_then(|cron_job| cron_job.spec).expect("a CronJob")
}

/// The parts of a Store with this managed database, where the volume of the backups is there already.
fn with_volume(managed: Value, size: &str, class: Option<&str>) -> Option<BackupParts> {
    let spec = json!({"database": {"managed": managed}, "dataRetention": "Delete"});
    let shop = validate(&with_spec(spec), &images()).expect("a shop");
    let volume = Storage { size: size.parse().expect("a size"), storage_class_name: class.map(ToOwned::to_owned) };
    plan(&shop, &Found { backup_volume: Some(volume), ..found() }).expect("a plan").backup
}

/// Size and class of the volume.
fn volume(parts: &BackupParts) -> (String, Option<String>) {
    let spec = parts.volume.spec.clone().expect("a spec");
    let requests = spec.resources.and_then(|resources| resources.requests).expect("requests");
    (requests["storage"].0.clone(), spec.storage_class_name)
}

#[test]
fn there_are_no_backups_where_none_are_asked_for() {
    assert!(planned(&with_spec(json!({}))).backup.is_none());
    assert!(planned(&with_spec(json!({"database": {"cloudNativePg": {}}}))).backup.is_none());
}

#[test]
fn they_are_made_when_the_store_says_and_one_at_a_time() {
    let default = cron_job(json!({}));
    assert_eq!((default.schedule.as_str(), default.time_zone.as_deref()), ("0 3 * * *", Some("UTC")));
    assert_eq!(default.concurrency_policy.as_deref(), Some("Forbid"));
    let other = cron_job(json!({"schedule": "*/5 * * * *", "timeZone": "Europe/Berlin"}));
    assert_eq!((other.schedule.as_str(), other.time_zone.as_deref()), ("*/5 * * * *", Some("Europe/Berlin")));
}

#[test]
fn their_volume_is_as_the_databases_own_where_the_store_says_nothing_else() {
    let of = |managed: Value| {
        volume(&planned(&with_spec(json!({"database": {"managed": managed}}))).backup.expect("backups"))
    };
    let storage = json!({"size": "5Gi", "storageClassName": "fast"});
    assert_eq!(of(json!({"backup": {}})), ("2Gi".into(), None));
    assert_eq!(of(json!({"storage": storage, "backup": {}})), ("5Gi".into(), Some("fast".into())));
    let backup = json!({"storage": {"size": "9Gi", "storageClassName": "cheap"}});
    assert_eq!(of(json!({"storage": storage, "backup": backup})), ("9Gi".into(), Some("cheap".into())));
}

#[test]
fn a_volume_that_is_there_stays_and_follows_data_retention_also_when_no_more_backups_are_made() {
    let parts = with_volume(json!({}), "3Gi", Some("local")).expect("the volume");
    assert!(parts.cron_job.is_none());
    assert_eq!(volume(&parts), ("3Gi".into(), Some("local".into())));
    assert_eq!(parts.volume.metadata.owner_references.map(|owners| owners.len()), Some(1), "it goes with the Store");
    assert!(asked(json!({})).volume.metadata.owner_references.is_none(), "it outlives the Store");
    assert_eq!(parts.volume.metadata.name, asked(json!({})).volume.metadata.name);
}

#[test]
fn a_volume_that_is_there_is_never_made_smaller_or_given_another_class() {
    let again = |size: &str| json!({"backup": {"storage": {"size": size, "storageClassName": "other"}}});
    let of = |managed: Value| volume(&with_volume(managed, "3Gi", Some("local")).expect("backups"));
    assert_eq!(of(again("1Gi")), ("3Gi".into(), Some("local".into())));
    assert_eq!(of(again("4Gi")), ("4Gi".into(), Some("local".into())));
    assert_eq!(of(again("3072Mi")), ("3072Mi".into(), Some("local".into())), "the same, as it was written");
}

#[test]
fn what_is_laid_over_the_containers_of_other_jobs_is_not_for_backups() {
    let template = json!({
        "metadata": {"labels": {"example.com/team": "shop"}},
        "spec": {"containers": [
            {"name": "catalog", "env": [{"name": "RUST_LOG", "value": "debug"}]},
            {"name": "beside", "image": "example.com/beside:1"},
        ]},
    });
    let spec = json!({"jobs": {"podTemplate": template}, "database": {"managed": {"backup": {}}}});
    let all = objects(&planned(&with_spec(spec)));
    let pods = all.iter().find(|it| it["kind"] == "CronJob").and_then(pod).expect("pods");
    let names: Vec<_> = pods["containers"].as_array().expect("a list").iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["backup", "beside"]);
}

/// The script of the `CronJob` with its variables, where `Pod` has its server and its folders.
fn script(pod: &Pod, keep: u32) -> Command {
    let job = cron_job(json!({"keep": keep})).job_template.spec.expect("a Job");
    let container = job.template.spec.expect("a pod").containers.remove(0);
    let folder = pod.path("backup").display().to_string();
    let script = container.command.expect("a command")[2].replace("/backup", &folder);
    let mut command = pod.command("/bin/sh");
    command.args(["-ec", &script]);
    for variable in container.env.expect("variables") {
        command.envs(variable.value.map(|value| (variable.name, value)));
    }
    command.env("PGHOST", "127.0.0.1").env("PGPORT", pod.port.to_string()).env("PGPASSWORD", PASSWORD);
    command
}

/// What the script says when it succeeds.
#[track_caller]
fn succeeds(mut script: Command) -> String {
    let output = script.output().expect("sh");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn fails(mut script: Command) {
    let output = script.output().expect("sh");
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Restores with a pod's own `pg_restore`.
#[track_caller]
fn restore(pod: &Pod, arguments: &[&str], name: &str) {
    let mut command = pod.command("pg_restore");
    command.args(arguments).arg(pod.path("backup").join(name));
    command.env("PGHOST", "127.0.0.1").env("PGPORT", pod.port.to_string());
    let output = command.env("PGUSER", "postgres").env("PGPASSWORD", PASSWORD).output().expect("pg_restore");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The names of all files in the folder of the backups.
fn files(pod: &Pod) -> BTreeSet<String> {
    let entries = fs::read_dir(pod.path("backup")).expect("the folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn put(pod: &Pod, names: &[&str]) {
    for name in names {
        fs::write(pod.path("backup").join(name), "").expect("a file");
    }
}

/// A program that is found before the real one.
fn instead_of(script: &mut Command, pod: &Pod, name: &str, text: &str) {
    let folder = pod.path("fake");
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(name);
    fs::write(&file, format!("#!/bin/sh\n{text}\n")).expect("a program");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("to make it a program");
    script.env("PATH", format!("{}:{}:/usr/bin:/bin", folder.display(), pod.programs.display()));
}

#[test]
fn what_was_saved_comes_back_in_a_fresh_database_and_in_place_of_one_that_went_on() {
    let pod = Pod::new();
    let _server = pod.start(PASSWORD);
    let ask = |database: &str, statement: &str| pod.ask_in(database, PASSWORD, statement);
    let made = "CREATE SCHEMA cart; CREATE TABLE cart.lines AS SELECT generate_series(1, 1000) AS n";
    ask("shop", made).expect("a table");

    let said = succeeds(script(&pod, 7));
    let files: Vec<String> = files(&pod).into_iter().collect();
    let [name] = files.as_slice() else { panic!("{files:?}") };
    assert!(name.starts_with("shop-2") && name.ends_with("Z.dump"), "{name}");
    assert!(said.contains(name), "the log lists what there is: {said}");
    let permissions = fs::metadata(pod.path("backup").join(name)).expect("the file").permissions();
    assert_eq!(permissions.mode() & 0o777, 0o600);

    let sum = "SELECT count(*), sum(n) FROM cart.lines";
    ask("shop", "CREATE DATABASE fresh").expect("a database");
    restore(&pod, &["--dbname=fresh", "--exit-on-error"], name);
    assert_eq!(ask("fresh", sum).as_deref(), Some("1000|500500"));

    ask("shop", "DELETE FROM cart.lines WHERE n > 10; CREATE TABLE cart.later ()").expect("a change");
    let in_place = ["--create", "--clean", "--if-exists", "--exit-on-error", "--dbname=postgres"];
    restore(&pod, &in_place, name);
    assert_eq!(ask("shop", sum).as_deref(), Some("1000|500500"));
    assert_eq!(ask("shop", "SELECT to_regclass('cart.later') IS NULL").as_deref(), Some("t"));
}

#[test]
fn so_many_are_kept_and_leftovers_go_and_what_else_is_there_stays() {
    let pod = Pod::new();
    let _server = pod.start(PASSWORD);
    let own = ["shop-before-upgrade.dump", "other-20200101T000000Z.dump", ".part-of-another-run"];
    put(&pod, &own);
    put(
        &pod,
        &["shop-20200101T000000Z.dump", "shop-20200102T000000Z.dump", "shop-20200103T000000Z.dump", ".part-dead"],
    );
    let dead = fs::File::options().write(true).open(pod.path("backup").join(".part-dead")).expect("the file");
    dead.set_modified(SystemTime::now() - Duration::from_secs(5 * 3600)).expect("to make it old");

    succeeds(script(&pod, 2));
    let left = files(&pod);
    assert_eq!(left.len(), own.len() + 2, "{left:?}");
    assert!(own.iter().chain(&["shop-20200103T000000Z.dump"]).all(|name| left.contains(*name)), "{left:?}");

    // The clock was ahead once, so that what is made now seems to be the oldest.
    put(&pod, &["shop-29990101T000000Z.dump"]);
    let before = files(&pod);
    thread::sleep(Duration::from_millis(1100));
    succeeds(script(&pod, 1));
    let left = files(&pod);
    assert_eq!(left.difference(&before).count(), 1, "what was just made stays: {left:?}");
    assert_eq!(left.len(), own.len() + 2, "{left:?}");
}

#[test]
fn a_backup_that_fails_leaves_all_others_and_nothing_of_itself() {
    let pod = Pod::new();
    let _server = pod.start(PASSWORD);
    put(&pod, &["shop-20200101T000000Z.dump", "shop-20200102T000000Z.dump"]);
    let before = files(&pod);
    let mut let_in_by_nobody = script(&pod, 1);
    let_in_by_nobody.env("PGPASSWORD", "another");
    fails(let_in_by_nobody);
    assert_eq!(files(&pod), before);

    // One that seems to succeed and cannot be read: the table of contents is whole, the data is not.
    let mut cut_short = script(&pod, 1);
    let real = pod.programs.join("pg_dump").display().to_string();
    let text = format!(
        "for it; do case $it in --file=*) file=${{it#--file=}};; esac; done\n{real} \"$@\" && truncate -s -200 \"$file\""
    );
    instead_of(&mut cut_short, &pod, "pg_dump", &text);
    pod.ask_in("shop", PASSWORD, "CREATE TABLE filled AS SELECT md5(n::text) FROM generate_series(1, 1000) AS n")
        .expect("a table");
    fails(cut_short);
    assert_eq!(files(&pod), before);
}

#[test]
fn a_run_that_is_told_to_end_does_so_at_once_and_leaves_nothing() {
    let pod = Pod::new();
    let mut slow = script(&pod, 1);
    instead_of(&mut slow, &pod, "pg_dump", "exec sleep 5");
    let started = Instant::now();
    let mut run = slow.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sh");
    while files(&pod).is_empty() {
        assert!(started.elapsed() < Duration::from_secs(4), "nothing was begun");
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_millis(200));
    let told = Command::new("kill").args(["-TERM", &run.id().to_string()]).status().expect("kill");
    assert!(told.success());
    assert_eq!(run.wait().expect("its end").code(), Some(143));
    assert!(started.elapsed() < Duration::from_secs(5), "it waited for its pg_dump");
    assert!(files(&pod).is_empty(), "{:?}", files(&pod));
}
