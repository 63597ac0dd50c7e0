//! The children of a plan in the order in which they are applied.

use serde::Serialize;
use shopkeeper_plan::{
    BackupParts, CachePolicyParts, ClusterParts, Component, GatewayParts, LeftOut, MigrateParts, MonitoringPart,
    MonitoringParts, MonitoringPods, Plan, PolicyVersion, PostgresParts, RedisParts, ServiceParts,
};

use super::{Desired, Setback};
use crate::{error::Error, kind::Kind, observed::Observed};

/// The children in the order in which they are applied.
pub(super) struct Waves {
    /// What the pods are told of their caches, and which version of it that is. It comes first, as it waits for nothing.
    pub(super) cache_policy: (Desired, PolicyVersion),
    /// The key that signs access tokens and those that check them: they are replaced at their time, whatever else waits.
    pub(super) keys: Vec<Desired>,
    /// Accounts, settings, Secrets, names, and which connections of the shop itself are let through.
    pub(super) ground: Vec<Desired>,
    /// The database's volume.
    pub(super) volume: Option<Desired>,
    /// Database and Redis.
    pub(super) data: Vec<Desired>,
    pub(super) gateway: Vec<Desired>,
    pub(super) migrate: Desired,
    pub(super) services: Vec<Desired>,
    pub(super) seed: Option<Desired>,
    /// The volume of the backups, and what makes them. They come last, so that nothing waits for them.
    pub(super) backup_volume: Option<Desired>,
    pub(super) backup: Option<Desired>,
    /// What watches the shop: volumes, settings, names and connections, and then pods, which come last of all.
    pub(super) monitoring_volumes: Vec<Desired>,
    pub(super) monitoring_ground: Vec<Desired>,
    pub(super) monitoring_pods: Vec<Desired>,
    /// What the cluster's own Prometheus is told. Others than Kubernetes have a say in it, so that nothing waits for it.
    pub(super) told_to_prometheus: Vec<Desired>,
    /// The parts that these pods are of.
    pub(super) monitoring_parts: Vec<(Component, Kind)>,
    /// What of it is asked for and not made.
    pub(super) left_out: Vec<LeftOut>,
}

impl Waves {
    /// Takes a plan apart without `..`, here and in what it consists of, so that a child that is never applied does not compile.
    pub(super) fn of(plan: Plan) -> Result<Self, Error> {
        let Plan {
            account,
            auth_keys,
            cache_policy,
            postgres,
            backup,
            cluster,
            redis,
            migrate,
            services,
            gateway,
            seed,
            network_policies,
            monitoring,
        } = plan;
        let MigrateParts { secret: migrate_secret, job } = migrate;
        let CachePolicyParts { config: cache_policy, version } = cache_policy;
        let mut waves = Self {
            cache_policy: (Desired::new(&cache_policy)?, version),
            keys: vec![Desired::new(&auth_keys)?],
            ground: vec![Desired::new(&account)?, Desired::new(&migrate_secret)?],
            volume: None,
            data: Vec::new(),
            gateway: Vec::new(),
            migrate: Desired::new(&job)?,
            services: Vec::new(),
            seed: seed.as_ref().map(Desired::new).transpose()?,
            backup_volume: None,
            backup: None,
            monitoring_volumes: Vec::new(),
            monitoring_ground: Vec::new(),
            monitoring_pods: Vec::new(),
            told_to_prometheus: Vec::new(),
            monitoring_parts: Vec::new(),
            left_out: Vec::new(),
        };
        for policy in &network_policies {
            waves.ground.push(Desired::new(policy)?);
        }
        if let Some(PostgresParts { config, volume, service, stateful_set }) = postgres {
            waves.ground.extend([Desired::new(&config)?, Desired::new(&service)?]);
            waves.volume = Some(Desired::new(&volume)?);
            waves.data.push(Desired::new(&stateful_set)?);
        }
        if let Some(BackupParts { volume, cron_job }) = backup {
            waves.backup_volume = Some(Desired::new(&volume)?);
            waves.backup = optional(cron_job.as_ref())?;
        }
        if let Some(ClusterParts { secret, cluster }) = cluster {
            waves.ground.push(Desired::new(&secret)?);
            waves.data.push(Desired::new(&cluster)?);
        }
        if let Some(RedisParts { config, service, stateful_set }) = redis {
            waves.ground.extend([Desired::new(&config)?, Desired::new(&service)?]);
            waves.data.push(Desired::new(&stateful_set)?);
        }
        for ServiceParts { component, secret, service, deployment, budget, autoscaler } in services {
            // The user service's has the key that signs.
            let beside = if component == Component::User { &mut waves.keys } else { &mut waves.ground };
            beside.push(Desired::new(&secret)?);
            waves.ground.push(Desired::new(&service)?);
            waves.services.push(Desired::new(&deployment)?);
            waves.services.extend(optional(budget.as_ref())?);
            waves.services.extend(optional(autoscaler.as_ref())?);
        }
        let GatewayParts { config, service, deployment, budget, ingress, http_route } = gateway;
        waves.ground.extend([Desired::new(&config)?, Desired::new(&service)?]);
        waves.gateway.push(Desired::new(&deployment)?);
        waves.gateway.extend(optional(budget.as_ref())?);
        waves.gateway.extend(optional(ingress.as_ref())?);
        waves.gateway.extend(optional(http_route.as_ref())?);
        waves.add_monitoring(monitoring)?;
        Ok(waves)
    }

    fn add_monitoring(&mut self, monitoring: MonitoringParts) -> Result<(), Error> {
        let MonitoringParts {
            parts,
            network_policies,
            scraped,
            dashboards,
            service_monitor,
            operator_monitor,
            prometheus_rule,
            left_out,
        } = monitoring;
        for policy in &network_policies {
            self.monitoring_ground.push(Desired::new(policy)?);
        }
        for service in &scraped {
            self.monitoring_ground.push(Desired::new(service)?);
        }
        self.monitoring_ground.extend(optional(dashboards.as_ref())?);
        self.told_to_prometheus.extend(optional(service_monitor.as_ref())?);
        self.told_to_prometheus.extend(optional(operator_monitor.as_ref())?);
        self.told_to_prometheus.extend(optional(prometheus_rule.as_ref())?);
        for MonitoringPart { component, config, secret, volume, service, pods } in parts {
            self.monitoring_volumes.extend(optional(volume.as_ref())?);
            self.monitoring_ground.extend(optional(config.as_ref())?);
            self.monitoring_ground.extend(optional(secret.as_ref())?);
            self.monitoring_ground.push(Desired::new(&service)?);
            let pods = match pods {
                MonitoringPods::Deployment(deployment) => Desired::new(&*deployment)?,
                MonitoringPods::StatefulSet(stateful_set) => Desired::new(&*stateful_set)?,
            };
            self.monitoring_parts.push((component, pods.child.kind));
            self.monitoring_pods.push(pods);
        }
        self.left_out = left_out;
        Ok(())
    }

    /// Leaves out children of kinds that the cluster does not know, and says so.
    pub(super) fn leave_out_unknown(&mut self, observed: &Observed) -> Vec<Setback> {
        let mut unknown = Vec::new();
        for wave in [&mut self.data, &mut self.gateway, &mut self.told_to_prometheus] {
            wave.retain(|desired| {
                let known = observed.knows(desired.child.kind);
                if !known {
                    unknown.push(desired.child.kind);
                }
                known
            });
        }
        // A database that is missing is told where databases are, and of the Prometheus Operator nothing is asked that it is not there for.
        unknown.into_iter().filter(|kind| *kind == Kind::HTTPRoute).map(|_| Setback::gateway_api_missing()).collect()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Desired> {
        let Self {
            cache_policy,
            keys,
            ground,
            volume,
            data,
            gateway,
            migrate,
            services,
            seed,
            backup_volume,
            backup,
            monitoring_volumes,
            monitoring_ground,
            monitoring_pods,
            told_to_prometheus,
            monitoring_parts: _,
            left_out: _,
        } = self;
        std::iter::once(&cache_policy.0)
            .chain(keys)
            .chain(ground)
            .chain(volume)
            .chain(data)
            .chain(gateway)
            .chain(std::iter::once(migrate))
            .chain(services)
            .chain(seed)
            .chain(backup_volume)
            .chain(backup)
            .chain(monitoring_volumes)
            .chain(monitoring_ground)
            .chain(monitoring_pods)
            .chain(told_to_prometheus)
    }
}

fn optional<K>(object: Option<&K>) -> Result<Option<Desired>, Error>
where
    K: kube::Resource<DynamicType = ()> + Serialize,
{
    object.map(Desired::new).transpose()
}
