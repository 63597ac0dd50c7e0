//! `Degraded`: something failed and needs attention or another try.

use super::{Outcome, Picture, Verdict, backup};
use crate::{
    apply::{Progress, Seed, Setback},
    troubles::Trouble,
};

pub(super) fn degraded(picture: &Picture) -> Verdict {
    match &picture.outcome {
        Outcome::Failed { reason, message, .. } => Verdict::yes(reason, message.clone()),
        Outcome::Progress(Progress::MigrationFailed { job, message }) => Verdict::yes(
            "MigrationFailed",
            format!(
                "Job {job} failed ({message}); the pods that run are left alone. See its log; delete the Job to try again"
            ),
        ),
        Outcome::Progress(Progress::Applied { seed: Seed::Failed { job, message } }) => Verdict::yes(
            "SeedFailed",
            format!("Job {job} failed ({message}). See its log; delete the Job to try again"),
        ),
        _ => troubled(picture)
            .or_else(|| stuck(picture))
            .or_else(|| setback(picture))
            .unwrap_or_else(|| Verdict::no("AllWell", "nothing failed")),
    }
}

/// What the pods themselves say, under the worst one's reason.
pub(super) fn troubled(picture: &Picture) -> Option<Verdict> {
    let (reason, message) = said(&picture.troubles)?;
    Some(Verdict::yes(reason, message))
}

/// The worst one's reason, and what there is to say of all of them.
pub(super) fn said(troubles: &[Trouble]) -> Option<(&'static str, String)> {
    let worst = troubles.first()?;
    let all: Vec<String> = troubles.iter().map(|it| format!("{}: {}", it.component, it.message)).collect();
    Some((worst.cause.into(), all.join("; ")))
}

/// What could not be done, though the rest went on: the first of it gives the reason.
fn setback(picture: &Picture) -> Option<Verdict> {
    let all: Vec<Setback> = picture.setbacks.iter().cloned().chain(backup::setback(picture)).collect();
    let messages: Vec<&str> = all.iter().map(|setback| setback.message.as_str()).collect();
    Some(Verdict::yes(all.first()?.reason, messages.join("; ")))
}

fn stuck(picture: &Picture) -> Option<Verdict> {
    let (name, why) = picture.services.iter().find_map(|service| {
        let pods = service.workload.as_ref()?;
        Some((&service.name, pods.stuck.as_ref()?))
    })?;
    Some(Verdict::yes("RolloutStuck", format!("the rollout of {name} does not come to an end: {why}")))
}
