//! `Ready`: the shop as a whole can be used, at the version that the spec asks for.

use super::{
    Outcome, Picture, ServicePicture, Verdict, database_ready::database_ready, degraded::troubled,
    services_ready::services_ready,
};
use crate::apply::{Progress, Seed};

/// What is said of everything that a suspended shop does not have.
pub(super) fn suspended() -> Verdict {
    Verdict::no(
        "Suspended",
        "the shop is suspended: data and settings are kept, and it comes back when spec.suspend is false",
    )
}

/// Whether the shop is suspended, or on its way there. One that was paused meanwhile stays as it is.
pub(super) fn is_suspended(picture: &Picture) -> bool {
    let at_rest = |service: &ServicePicture| service.workload.as_ref().is_some_and(|pods| pods.desired == 0);
    match picture.outcome {
        Outcome::Progress(Progress::Suspending | Progress::Suspended) => true,
        Outcome::Paused => picture.asked_to_rest && picture.services.iter().all(at_rest),
        Outcome::Progress(_) | Outcome::Failed { .. } => false,
    }
}

/// What keeps the shop from being ready; where its pods know why, what they say.
pub(super) fn ready(picture: &Picture) -> Verdict {
    let verdict = by_its_parts(picture);
    match troubled(picture) {
        Some(trouble) if !verdict.is_true() && !has_another_reason(picture) => {
            Verdict::no(trouble.reason, format!("{}; {}", verdict.message, trouble.message))
        }
        _ => verdict,
    }
}

/// Whether what is the matter with its pods is not what keeps the shop from being ready.
fn has_another_reason(picture: &Picture) -> bool {
    is_suspended(picture) || matches!(picture.outcome, Outcome::Failed { .. })
}

fn by_its_parts(picture: &Picture) -> Verdict {
    match &picture.outcome {
        Outcome::Failed { reason, message, .. } => return Verdict::no(reason, message.clone()),
        Outcome::Progress(Progress::MigrationFailed { .. }) => {
            return Verdict::no("MigrationFailed", "the migration failed; the pods that run are left alone");
        }
        _ if is_suspended(picture) => return suspended(),
        _ => {}
    }
    let database = database_ready(picture);
    if !database.is_true() {
        // Where only somebody else can help, that is the reason.
        let reason = if picture.no_cloud_native_pg { database.reason } else { "DatabaseNotReady" };
        return Verdict::no(reason, database.message);
    }
    if matches!(picture.outcome, Outcome::Progress(Progress::AwaitingDatabase | Progress::Migrating)) {
        return Verdict::no("Migrating", "the database is brought to the wanted version");
    }
    let services = services_ready(picture);
    if !services.is_true() {
        return Verdict::no("ServicesNotReady", services.message);
    }
    if matches!(picture.outcome, Outcome::Progress(Progress::Applied { seed: Seed::Running })) {
        return Verdict::no("Seeding", "demo data is being made");
    }
    Verdict::yes("Ready", "the shop is open")
}
