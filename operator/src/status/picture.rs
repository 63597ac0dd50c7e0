//! Everything that the conditions are drawn from.

use jiff::Timestamp;
use strum::IntoEnumIterator;

use shop_policy::Policies;
use shopkeeper_api::{Backup, Database, Store};
use shopkeeper_plan::{Component, InvalidStore, SERVICES, Shop};

use crate::{
    apply::{Monitored, Progress, Setback},
    context::Context,
    health::Workload,
    hits::HitRatios,
    kind::Kind,
    observed::{Backups, StoreName},
    policies::PolicyPicture,
    troubles::Trouble,
};

/// How the reconcile ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The Store is paused, so nothing was done.
    Paused,
    /// The plan was applied as far as it can be now.
    Progress(Progress),
    /// Something failed.
    Failed {
        /// A stable word.
        reason: &'static str,
        /// A sentence for people.
        message: String,
        /// Whether only a change of the spec can help.
        terminal: bool,
    },
}

/// One service or the gateway.
#[derive(Clone, Debug)]
pub struct ServicePicture {
    /// Its name.
    pub name: String,
    /// How its pods are, if there are any.
    pub workload: Option<Workload>,
}

/// Everything that the conditions are drawn from.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Generation of the spec.
    pub generation: Option<i64>,
    /// How the reconcile ended.
    pub outcome: Outcome,
    /// Whether the spec says that nothing of the shop is to run.
    pub asked_to_rest: bool,
    /// What could not be done, though the rest went on.
    pub setbacks: Vec<Setback>,
    /// The database's pods; `None` when it is external.
    pub database: Option<Option<Workload>>,
    /// Whether CloudNativePG runs the database.
    pub by_cloud_native_pg: bool,
    /// Whether it is to, but is not there.
    pub no_cloud_native_pg: bool,
    /// Redis's pods; `None` when it is external.
    pub redis: Option<Option<Workload>>,
    /// The services and the gateway.
    pub services: Vec<ServicePicture>,
    /// Why pods of the shop itself do not come up, the worst first.
    pub troubles: Vec<Trouble>,
    /// What watches the shop; `None` as long as that is not known.
    pub monitoring: Option<MonitoringPicture>,
    /// Addresses for customers and inside the cluster.
    pub endpoints: Option<(String, String)>,
    /// The version that is wanted.
    pub version: Option<String>,
    /// The caches.
    pub cache: CachePicture,
    /// The backups of the database; `None` when there are to be none, or nothing makes them yet.
    pub backups: Option<Backups>,
}

/// What watches the shop.
#[derive(Clone, Debug, Default)]
pub struct MonitoringPicture {
    /// What came of applying it.
    pub outcome: Monitored,
    /// Its parts with pods, by name.
    pub parts: Vec<(String, Option<Workload>)>,
    /// Why its pods do not come up, the worst first.
    pub troubles: Vec<Trouble>,
}

/// The caches.
#[derive(Clone, Debug)]
pub struct CachePicture {
    /// The policies that the spec asks for.
    pub asked: Option<Policies>,
    /// What is wrong with them.
    pub invalid: Option<String>,
    /// How far they are; `None` as long as that is not known.
    pub pods: Option<PolicyPicture>,
    /// How often they had the answer; `None` as long as that is not known.
    pub hits: Option<HitRatios>,
}

impl Picture {
    /// Looks at a Store's children. Of a Store that is invalid, only what is sure is told.
    pub fn take(
        context: &Context,
        store: &Store,
        shop: Result<&Shop, &InvalidStore>,
        name: &StoreName,
        outcome: Outcome,
        setbacks: Vec<Setback>,
        monitored: Option<Monitored>,
    ) -> Self {
        let observed = &context.observed;
        let invalid_policy = match shop {
            Err(invalid @ InvalidStore::CachePolicy { .. }) => Some(invalid.to_string()),
            _ => None,
        };
        let shop = shop.ok();
        let child = |component: Component| format!("{}-{component}", name.name);
        let stateful = |component| observed.workload(Kind::StatefulSet, name, &child(component));
        let Database { managed, external: _, cloud_native_pg } = store.spec.database();
        let cluster = || observed.workload(Kind::Cluster, name, &child(Component::Postgres));
        let backups = |_: &Backup| observed.backups(name, &child(Component::Backup));
        let (watching, troubles): (Vec<_>, Vec<_>) =
            context.troubles.of(name, Timestamp::now()).into_iter().partition(|it| it.component.is_monitoring());
        let monitoring = monitored.map(|outcome| MonitoringPicture {
            parts: outcome
                .parts
                .iter()
                .map(|(part, kind)| (part.to_string(), observed.workload(*kind, name, &child(*part))))
                .collect(),
            outcome,
            troubles: watching,
        });
        let services = Component::iter().filter(|it| SERVICES.contains(it) || *it == Component::Gateway);
        Self {
            generation: store.metadata.generation,
            outcome,
            asked_to_rest: store.spec.suspend,
            setbacks,
            database: match (&managed, &cloud_native_pg) {
                (Some(_), _) => Some(stateful(Component::Postgres)),
                (None, Some(_)) => Some(cluster()),
                (None, None) => None,
            },
            by_cloud_native_pg: cloud_native_pg.is_some(),
            no_cloud_native_pg: cloud_native_pg.is_some() && !observed.knows(Kind::Cluster),
            redis: store.spec.redis().managed.is_some().then(|| stateful(Component::Redis)),
            services: services
                .map(|component| ServicePicture {
                    name: component.to_string(),
                    workload: observed.workload(Kind::Deployment, name, &child(component)),
                })
                .collect(),
            troubles,
            monitoring,
            endpoints: shop.map(|shop| (shop.public_url(), shop.internal_url())),
            version: shop.map(Shop::version),
            cache: CachePicture {
                asked: shop.map(|shop| shop.policies().clone()),
                invalid: invalid_policy,
                pods: shop.and_then(|_| context.policies.picture(name)),
                hits: context.hits.of(name),
            },
            backups: managed.as_ref().and_then(|managed| managed.backup.as_ref()).and_then(backups),
        }
    }
}
