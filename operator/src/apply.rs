//! Makes the cluster what the plan says, in waves, and writes only what differs.

mod child;
mod clash;
mod handover;
mod monitoring;
mod orphans;
mod setback;
mod suspend;
mod turn;
mod waves;

use std::collections::BTreeSet;

use futures::{FutureExt, StreamExt, stream};
use shopkeeper_api::Store;
use shopkeeper_plan::{Component, Plan, Shop};

pub use child::{APPLIED_HASH, Desired, FIELD_MANAGER};
pub use monitoring::Monitored;
pub use setback::Setback;

use waves::Waves;

use crate::{
    context::Context,
    error::Error,
    health::JobState,
    kind::{ChildRef, Kind},
    observed::StoreName,
    turns::Wish,
};

/// Children of one Store that are written at the same time.
const CHILDREN_AT_ONCE: usize = 8;

/// How far the cluster is on its way to the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Pods would be replaced though nobody has changed the Store, and others are at it: all that is there stays as it is.
    AwaitingTurn,
    /// The database does not answer yet, so the migration waits.
    AwaitingDatabase,
    /// The migration runs; the services wait.
    Migrating,
    /// The migration failed; the services that run are left alone.
    MigrationFailed {
        /// The Job.
        job: String,
        /// What it said.
        message: String,
    },
    /// Everything was applied.
    Applied {
        /// How far the demo data is.
        seed: Seed,
    },
    /// The pods of a suspended shop are on their way out.
    Suspending,
    /// Nothing of a suspended shop runs.
    Suspended,
}

/// How far the demo data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seed {
    /// There is to be none, or it is all there.
    Done,
    /// The Job runs.
    Running,
    /// The Job failed.
    Failed {
        /// The Job.
        job: String,
        /// What it said.
        message: String,
    },
}

/// What came of applying a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// How far the cluster is.
    pub progress: Progress,
    /// What could not be done, though the rest went on.
    pub setbacks: Vec<Setback>,
    /// What came of what watches the shop.
    pub monitored: Monitored,
}

/// Applies a plan as far as it can be applied now.
pub async fn apply(
    context: &Context,
    shop: &Shop,
    (store, object): (&StoreName, &Store),
    wish: Wish,
    plan: Plan,
) -> Result<Applied, Error> {
    let uid = object.metadata.uid.as_deref().unwrap_or_default();
    let mut waves = Waves::of(plan)?;
    let mut setbacks = waves.leave_out_unknown(&context.observed);
    let wanted: BTreeSet<ChildRef> = waves.all().map(|desired| desired.child.clone()).collect();
    let written = child::apply(context, store, &waves.cache_policy.0).await?;
    if shop.is_suspended() {
        context.policies.rest(store);
    } else {
        context.policies.want(store, &waves.cache_policy.1, written);
    }
    if turn::waits(context, (store, object), wish, shop.is_suspended(), &waves).await? {
        let monitored = Monitored::untouched(&waves);
        return Ok(Applied { progress: Progress::AwaitingTurn, setbacks, monitored });
    }
    wave(context, store, waves.keys.iter().chain(&waves.ground)).await?;
    if let Some(volume) = &waves.volume {
        setbacks.extend(setback::volume(child::apply(context, store, volume).await)?);
    }
    let progress = if shop.is_suspended() {
        suspend::apply(context, store, &waves).await?
    } else {
        running(context, shop, store, &waves).await?
    };
    setbacks.extend(backups(context, store, &waves).await?);
    let complete = matches!(progress, Progress::Applied { .. });
    let monitored = monitoring::apply(context, store, &waves, complete, shop.is_suspended()).await?;
    orphans::remove(context, store, uid, &wanted, complete).await?;
    Ok(Applied { progress, setbacks, monitored })
}

/// Applied after all else, so that what is in the way of backups is in the way of nothing more; and in a shop that is being suspended before
/// the database goes, which takes more than one look.
async fn backups(context: &Context, store: &StoreName, waves: &Waves) -> Result<Vec<Setback>, Error> {
    let mut setbacks = Vec::new();
    if let Some(volume) = &waves.backup_volume {
        setbacks.extend(setback::volume(child::apply(context, store, volume).await)?);
    }
    if let Some(backup) = &waves.backup {
        setbacks.extend(setback::backup(child::apply(context, store, backup).await)?);
    }
    Ok(setbacks)
}

async fn running(context: &Context, shop: &Shop, store: &StoreName, waves: &Waves) -> Result<Progress, Error> {
    wave(context, store, &waves.data).await?;
    if all_addresses_known(context, store) {
        wave(context, store, &waves.gateway).await?;
    }
    if database_answers(context, shop, store) {
        wave(context, store, [&waves.migrate]).await?;
        after_migration(context, store, waves).await
    } else {
        Ok(Progress::AwaitingDatabase)
    }
}

async fn after_migration(context: &Context, store: &StoreName, waves: &Waves) -> Result<Progress, Error> {
    let job = &waves.migrate.child.name;
    match context.observed.job(store, job) {
        None | Some(JobState::Running) => Ok(Progress::Migrating),
        Some(JobState::Failed(message)) => Ok(Progress::MigrationFailed { job: job.clone(), message }),
        Some(JobState::Complete) => {
            wave(context, store, &waves.services).await?;
            wave(context, store, &waves.seed).await?;
            Ok(Progress::Applied { seed: seed_state(context, store, waves.seed.as_ref()) })
        }
    }
}

fn seed_state(context: &Context, store: &StoreName, seed: Option<&Desired>) -> Seed {
    let Some(seed) = seed else { return Seed::Done };
    match context.observed.job(store, &seed.child.name) {
        Some(JobState::Complete) => Seed::Done,
        Some(JobState::Failed(message)) => Seed::Failed { job: seed.child.name.clone(), message },
        None | Some(JobState::Running) => Seed::Running,
    }
}

fn database_answers(context: &Context, shop: &Shop, store: &StoreName) -> bool {
    let name = format!("{}-{}", store.name, Component::Postgres);
    if shop.has_cluster() {
        // One server is enough, though the others are still on their way.
        return context.observed.workload(Kind::Cluster, store, &name).is_some_and(|it| it.ready > 0);
    }
    let healthy = || context.observed.workload(Kind::StatefulSet, store, &name).is_some_and(|it| it.is_healthy());
    !shop.manages_database() || healthy()
}

/// nginx does not start when one of the names that it routes to has no address.
fn all_addresses_known(context: &Context, store: &StoreName) -> bool {
    shopkeeper_plan::SERVICES.iter().all(|service| {
        let name = format!("{}-{service}", store.name);
        let child = ChildRef { kind: Kind::Service, namespace: store.namespace.clone(), name };
        context.observed.get(&child).is_some_and(|seen| seen.address.is_some())
    })
}

/// Applies children at the same time; all of them are tried before the first error is returned.
async fn wave<'a>(
    context: &Context,
    store: &StoreName,
    wave: impl IntoIterator<Item = &'a Desired>,
) -> Result<(), Error> {
    let children: Vec<_> = wave.into_iter().map(|desired| child::apply(context, store, desired).boxed()).collect();
    let results: Vec<Result<bool, Error>> = stream::iter(children).buffer_unordered(CHILDREN_AT_ONCE).collect().await;
    results.into_iter().try_for_each(|result| result.map(drop))
}
