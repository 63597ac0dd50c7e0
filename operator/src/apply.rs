//! Makes the cluster what the plan says, in waves, and writes only what differs.

mod child;
mod handover;
mod orphans;

use std::collections::BTreeSet;

use futures::{FutureExt, StreamExt, stream};
use shopkeeper_plan::{
    CachePolicyParts, Component, GatewayParts, MigrateParts, Plan, PolicyVersion, PostgresParts, RedisParts,
    ServiceParts, Shop,
};

pub use child::{APPLIED_HASH, Desired, FIELD_MANAGER};

use crate::{
    context::Context,
    error::Error,
    health::JobState,
    kind::{ChildRef, Kind},
    observed::StoreName,
};

/// Children of one Store that are written at the same time.
const CHILDREN_AT_ONCE: usize = 8;

/// How far the cluster is on its way to the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
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

/// Applies a plan as far as it can be applied now.
pub async fn apply(
    context: &Context,
    shop: &Shop,
    store: &StoreName,
    uid: &str,
    plan: Plan,
) -> Result<Progress, Error> {
    let waves = Waves::of(plan)?;
    let wanted: BTreeSet<ChildRef> = waves.all().map(|desired| desired.child.clone()).collect();
    let written = child::apply(context, &waves.cache_policy.0).await?;
    context.policies.want(store, &waves.cache_policy.1, written);
    wave(context, &waves.ground).await?;
    wave(context, &waves.data).await?;
    if all_addresses_known(context, store) {
        wave(context, &waves.gateway).await?;
    }
    let progress = if database_answers(context, shop, store) {
        wave(context, std::slice::from_ref(&waves.migrate)).await?;
        after_migration(context, store, &waves).await?
    } else {
        Progress::AwaitingDatabase
    };
    let complete = matches!(progress, Progress::Applied { .. });
    orphans::remove(context, store, uid, &wanted, complete).await?;
    Ok(progress)
}

async fn after_migration(context: &Context, store: &StoreName, waves: &Waves) -> Result<Progress, Error> {
    let job = &waves.migrate.child.name;
    match context.observed.job(store, job) {
        None | Some(JobState::Running) => Ok(Progress::Migrating),
        Some(JobState::Failed(message)) => Ok(Progress::MigrationFailed { job: job.clone(), message }),
        Some(JobState::Complete) => {
            wave(context, &waves.services).await?;
            wave(context, waves.seed.as_slice()).await?;
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
async fn wave(context: &Context, wave: &[Desired]) -> Result<(), Error> {
    let children: Vec<_> = wave.iter().map(|desired| child::apply(context, desired).boxed()).collect();
    let results: Vec<Result<bool, Error>> = stream::iter(children).buffer_unordered(CHILDREN_AT_ONCE).collect().await;
    results.into_iter().try_for_each(|result| result.map(drop))
}

/// The children in the order in which they are applied.
struct Waves {
    /// What the pods are told of their caches, and which version of it that is. It comes first, as it waits for nothing.
    cache_policy: (Desired, PolicyVersion),
    /// Accounts, settings, Secrets, volumes, names.
    ground: Vec<Desired>,
    /// Database and Redis.
    data: Vec<Desired>,
    gateway: Vec<Desired>,
    migrate: Desired,
    services: Vec<Desired>,
    seed: Option<Desired>,
}

impl Waves {
    /// Takes a plan apart without `..`, here and in what it consists of, so that a child that is never applied does not compile.
    fn of(plan: Plan) -> Result<Self, Error> {
        let Plan { account, auth_keys, cache_policy, postgres, redis, migrate, services, gateway, seed } = plan;
        let MigrateParts { secret: migrate_secret, job } = migrate;
        let CachePolicyParts { config: cache_policy, version } = cache_policy;
        let mut waves = Self {
            cache_policy: (Desired::new(&cache_policy)?, version),
            ground: vec![Desired::new(&account)?, Desired::new(&auth_keys)?, Desired::new(&migrate_secret)?],
            data: Vec::new(),
            gateway: Vec::new(),
            migrate: Desired::new(&job)?,
            services: Vec::new(),
            seed: seed.as_ref().map(Desired::new).transpose()?,
        };
        if let Some(PostgresParts { config, volume, service, stateful_set }) = postgres {
            waves.ground.extend([Desired::new(&config)?, Desired::new(&volume)?, Desired::new(&service)?]);
            waves.data.push(Desired::new(&stateful_set)?);
        }
        if let Some(RedisParts { config, service, stateful_set }) = redis {
            waves.ground.extend([Desired::new(&config)?, Desired::new(&service)?]);
            waves.data.push(Desired::new(&stateful_set)?);
        }
        for ServiceParts { component: _, secret, service, deployment, budget, autoscaler } in services {
            waves.ground.extend([Desired::new(&secret)?, Desired::new(&service)?]);
            waves.services.push(Desired::new(&deployment)?);
            waves.services.extend(budget.as_ref().map(Desired::new).transpose()?);
            waves.services.extend(autoscaler.as_ref().map(Desired::new).transpose()?);
        }
        let GatewayParts { config, service, deployment, budget } = gateway;
        waves.ground.extend([Desired::new(&config)?, Desired::new(&service)?]);
        waves.gateway.push(Desired::new(&deployment)?);
        waves.gateway.extend(budget.as_ref().map(Desired::new).transpose()?);
        Ok(waves)
    }

    fn all(&self) -> impl Iterator<Item = &Desired> {
        let Self { cache_policy, ground, data, gateway, migrate, services, seed } = self;
        std::iter::once(&cache_policy.0)
            .chain(ground)
            .chain(data)
            .chain(gateway)
            .chain(std::iter::once(migrate))
            .chain(services)
            .chain(seed)
    }
}
