//! Lets nothing of a shop run: what serves customers first, then what they are served from.

use super::{Desired, Progress, Waves, wave};
use crate::{
    context::Context,
    error::Error,
    health::{Health, JobState},
    kind::ChildRef,
    observed::StoreName,
};

/// Applies what a suspended shop is: the plan has no pods in it.
pub(super) async fn apply(context: &Context, store: &StoreName, waves: &Waves) -> Result<Progress, Error> {
    wave(context, store, &waves.gateway).await?;
    wave(context, store, &waves.services).await?;
    // A Job that is at its end has nothing to rest from, and one that was not begun waits.
    let running = |job: &&Desired| context.observed.job(store, &job.child.name) == Some(JobState::Running);
    let jobs = std::iter::once(&waves.migrate).chain(&waves.seed).filter(running);
    wave(context, store, jobs).await?;
    let served = waves.gateway.iter().chain(&waves.services);
    if !served.clone().all(|desired| is_at_rest(context, &desired.child)) {
        return Ok(Progress::Suspending);
    }
    wave(context, store, &waves.data).await?;
    // What watches the shop is told to rest with all else that comes last.
    let mut last = waves.data.iter().chain(&waves.monitoring_pods);
    let all_at_rest = last.all(|desired| is_at_rest(context, &desired.child));
    Ok(if all_at_rest { Progress::Suspended } else { Progress::Suspending })
}

/// Whether there is not a single pod. What is not there, or has no pods, is at rest.
fn is_at_rest(context: &Context, child: &ChildRef) -> bool {
    match context.observed.get(child).map(|seen| seen.health) {
        Some(Health::Workload(workload)) => workload.pods == 0,
        Some(Health::Inert | Health::Job(_) | Health::Schedule(_) | Health::Run(_) | Health::Volume(_)) | None => true,
    }
}
