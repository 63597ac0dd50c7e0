//! `Progressing`: something is on its way to what the spec asks for.

use super::{Outcome, Picture, Verdict, services_ready::services_ready};
use crate::apply::{Progress, Seed};

pub(super) fn progressing(picture: &Picture) -> Verdict {
    match &picture.outcome {
        Outcome::Paused => Verdict::no("Paused", "the Store is paused"),
        Outcome::Failed { terminal: true, .. } => {
            Verdict::no("Blocked", "nothing happens until the Store is corrected")
        }
        Outcome::Failed { .. } => Verdict::yes("Retrying", "what failed is tried again"),
        Outcome::Progress(Progress::AwaitingTurn) => Verdict::yes(
            "AwaitingTurn",
            "its pods are to be others though nobody has changed it, as after an upgrade of the operator, which replaces those of few shops at a time; it stays as it is until its turn",
        ),
        Outcome::Progress(Progress::AwaitingDatabase) => {
            Verdict::yes("AwaitingDatabase", "the migration waits for the database")
        }
        Outcome::Progress(Progress::Migrating) => {
            Verdict::yes("Migrating", "the database is brought to the wanted version")
        }
        Outcome::Progress(Progress::MigrationFailed { .. }) => Verdict::no("Blocked", "the migration failed"),
        Outcome::Progress(Progress::Suspending) => {
            Verdict::yes("Suspending", "the pods go: those that serve first, then database and Redis")
        }
        Outcome::Progress(Progress::Suspended) => Verdict::no("Suspended", "nothing runs until spec.suspend is false"),
        Outcome::Progress(Progress::Applied { seed }) => {
            let services = services_ready(picture);
            if !services.is_true() {
                Verdict::yes("RollingOut", services.message)
            } else if *seed == Seed::Running {
                Verdict::yes("Seeding", "demo data is being made")
            } else {
                Verdict::no("UpToDate", "the shop is as the spec asks for")
            }
        }
    }
}
