//! `Ready`: the shop as a whole can be used, at the version that the spec asks for.

use super::{Outcome, Picture, Verdict, database_ready::database_ready, services_ready::services_ready};
use crate::apply::{Progress, Seed};

pub(super) fn ready(picture: &Picture) -> Verdict {
    match &picture.outcome {
        Outcome::Failed { reason, message, .. } => return Verdict::no(reason, message.clone()),
        Outcome::Progress(Progress::MigrationFailed { .. }) => {
            return Verdict::no("MigrationFailed", "the migration failed; the pods that run are left alone");
        }
        _ => {}
    }
    let database = database_ready(picture);
    if !database.is_true() {
        return Verdict::no("DatabaseNotReady", database.message);
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
