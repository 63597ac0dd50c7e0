//! Backups of a managed database: what makes them by the clock, and the volume that they are in.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        batch::v1::{CronJob, CronJobSpec, JobSpec, JobTemplateSpec},
        core::v1::{Container, PersistentVolumeClaim},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use shopkeeper_api::{Backup, BackupStorage, ManagedDatabase, Storage};

use crate::{
    Component, Found, InvalidStore, Shop,
    claim::{claim, claimed, kept},
    database::{DATABASE, passwords_secret},
    meta,
    pod::{self, PodParts},
};

const FOLDER: &str = "/backup";

/// A run that takes longer is given up, so that one that hangs does not keep all others from beginning.
const DEADLINE_SECONDS: i64 = 4 * 3600;

/// Backups of a managed database.
#[derive(Clone, Debug)]
pub struct BackupParts {
    /// The volume. It has an owner only when it is to go with the Store.
    pub volume: PersistentVolumeClaim,
    /// What makes them, if there are to be any more.
    pub cron_job: Option<CronJob>,
}

/// Nothing where there never was a backup. Where there are to be no more, the volume goes on following `dataRetention`.
pub(crate) fn backup(
    shop: &Shop,
    found: &Found,
    managed: &ManagedDatabase,
) -> Result<Option<BackupParts>, InvalidStore> {
    let asked = managed.backup.as_ref();
    let Some(storage) = storage(managed, asked, found.backup_volume.as_ref()) else { return Ok(None) };
    Ok(Some(BackupParts {
        volume: claim(shop, Component::Backup, &storage),
        cron_job: asked.map(|asked| cron_job(shop, asked)).transpose()?,
    }))
}

/// The volume that is to be there: as asked for or, where there are to be no more backups, as it is.
fn storage(managed: &ManagedDatabase, asked: Option<&Backup>, there: Option<&Storage>) -> Option<Storage> {
    let Some(Backup { storage: BackupStorage { size, storage_class_name }, .. }) = asked else { return there.cloned() };
    let usual = &managed.storage;
    let asked = Storage {
        size: size.as_ref().unwrap_or(&usual.size).clone(),
        storage_class_name: storage_class_name.as_ref().or(usual.storage_class_name.as_ref()).cloned(),
    };
    Some(kept(asked, there))
}

/// Makes a backup under a name that says that it is none yet, reads all of it, and only then gives it its name and removes the oldest. Whatever
/// fails ends the run before that.
///
/// Only files of this form of name are counted and removed: what else is in the folder is somebody else's. `pg_dump` itself waits until the
/// file is on the disk. Two runs may meet, as anybody can begin one by hand, so what another one seems to have left behind is removed only when
/// it is older than a run can be.
fn script() -> String {
    let oldest = DEADLINE_SECONDS / 60;
    format!(
        "umask 077\n\
         part=$(mktemp {FOLDER}/.part-XXXXXX)\n\
         trap 'rm -f \"$part\"' EXIT\n\
         trap 'exit 143' TERM\n\
         find {FOLDER} -maxdepth 1 -name '.part-*' -mmin +{oldest} -exec rm -f {{}} +\n\
         pg_dump --format=custom --file=\"$part\" &\n\
         wait $!\n\
         pg_restore --file=/dev/null \"$part\"\n\
         made={FOLDER}/$PGDATABASE-$(date -u +%Y%m%dT%H%M%SZ).dump\n\
         mv \"$part\" \"$made\"\n\
         sync {FOLDER}\n\
         set -- {FOLDER}/\"$PGDATABASE\"-[0-9]*T[0-9]*Z.dump\n\
         while [ $# -gt \"$KEEP\" ]; do\n\
         \x20 [ \"$1\" = \"$made\" ] || rm -f \"$1\"\n\
         \x20 shift\n\
         done\n\
         ls -l {FOLDER}\n"
    )
}

fn cron_job(shop: &Shop, asked: &Backup) -> Result<CronJob, InvalidStore> {
    let component = Component::Backup;
    let mut metadata = ObjectMeta { labels: Some(meta::labels(shop, component)), ..ObjectMeta::default() };
    meta::add_extra(&mut metadata, &shop.extra);
    let job = JobSpec {
        backoff_limit: Some(4),
        active_deadline_seconds: Some(DEADLINE_SECONDS),
        template: pod::template(
            shop,
            PodParts {
                component,
                containers: vec![container(shop, asked)],
                volumes: vec![claimed(shop, component, "backup")],
                annotations: BTreeMap::new(),
                grace_seconds: 10,
                restart_policy: Some("Never"),
            },
        )?,
        ..JobSpec::default()
    };
    Ok(CronJob {
        metadata: meta::owned(shop, shop.child(component), component),
        spec: Some(CronJobSpec {
            schedule: asked.schedule.clone(),
            time_zone: Some(asked.time_zone.clone()),
            concurrency_policy: Some("Forbid".into()),
            // One that was missed, as while nothing could be scheduled, is made up for, but not so late that it meets the next day's work.
            starting_deadline_seconds: Some(3600),
            successful_jobs_history_limit: Some(3),
            failed_jobs_history_limit: Some(3),
            suspend: Some(shop.suspended),
            job_template: JobTemplateSpec { metadata: Some(metadata), spec: Some(job) },
        }),
        ..CronJob::default()
    })
}

fn container(shop: &Shop, asked: &Backup) -> Container {
    let component = Component::Backup;
    Container {
        command: Some(vec!["/bin/sh".into(), "-ec".into(), script()]),
        env: Some(vec![
            pod::env("PGHOST", shop.child(Component::Postgres)),
            pod::env("PGUSER", "postgres"),
            pod::env("PGDATABASE", DATABASE),
            pod::env("PGCONNECT_TIMEOUT", "10"),
            pod::secret_env("PGPASSWORD", &passwords_secret(&shop.name), "admin"),
            pod::env("KEEP", asked.keep.to_string()),
        ]),
        volume_mounts: Some(vec![pod::mount("backup", FOLDER)]),
        ..pod::container(shop, component, component)
    }
}
