//! The backups of the database: when one was complete last, and whether the latest run failed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use shopkeeper_api::{BackupFailure, BackupStatus, StoreStatus};

use super::Picture;
use crate::{apply::Setback, observed::Backups};

/// What is said of them, once there is something to say.
pub(super) fn backup(picture: &Picture, former: &StoreStatus) -> Option<BackupStatus> {
    let Backups { last_success, failed } = picture.backups.as_ref()?;
    // A CronJob that was deleted, and made again, knows nothing of what was before.
    let told = former.backup.as_ref().and_then(|backup| backup.last_success_time.clone());
    let status = BackupStatus {
        last_success_time: last_success.map(Time).or(told),
        last_failure: failed.as_ref().map(|(job, failure)| BackupFailure {
            time: Time(failure.at),
            job: job.clone(),
            message: failure.why.clone(),
        }),
    };
    Some(status).filter(|status| *status != BackupStatus::default())
}

/// The setback with a backup that was not made; the shop does not notice.
pub(super) fn setback(picture: &Picture) -> Option<Setback> {
    let (job, failure) = picture.backups.as_ref()?.failed.as_ref()?;
    Some(Setback {
        reason: "BackupFailed",
        message: format!(
            "no backup was made by Job {job} ({}); older ones are all there. See its log; the next one that succeeds ends this, and so does \
             deleting the Job",
            failure.why
        ),
    })
}
