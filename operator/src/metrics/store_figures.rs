//! How each Store is, as figures: read from what the watches saw when somebody asks, and not kept.

use std::sync::{Arc, Mutex, PoisonError};

use kube::runtime::reflector::Store as Cache;
use prometheus::{
    GaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use shopkeeper_api::{ConditionType, Store, StoreStatus};
use shopkeeper_plan::Component;

use crate::{
    certificates::Certificates,
    health::{Health, Workload},
    kind::Kind,
    observed::{Observed, StoreName},
    watch::Guarded,
};

/// Where the figures are read from.
#[derive(Clone)]
pub struct Sources {
    /// The Stores.
    pub stores: Cache<Guarded>,
    /// Their children.
    pub observed: Arc<Observed>,
    /// The certificates of their gateways.
    pub certificates: Arc<Certificates>,
}

/// How each Store is, as figures.
#[derive(Clone, Default)]
pub(super) struct StoreFigures {
    sources: Arc<Mutex<Option<Sources>>>,
}

impl std::fmt::Debug for StoreFigures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreFigures")
    }
}

/// The figures of one answer.
struct Gauges {
    ready: GaugeVec,
    condition: GaugeVec,
    pods_desired: GaugeVec,
    pods_ready: GaugeVec,
    backup: GaugeVec,
    certificate: GaugeVec,
    hit_ratio: GaugeVec,
}

impl Gauges {
    fn new() -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str, more: &[&str]| {
            let labels: Vec<&str> = ["namespace", "store"].into_iter().chain(more.iter().copied()).collect();
            GaugeVec::new(Opts::new(name, help), &labels)
        };
        Ok(Self {
            ready: gauge("operator_store_ready", "1 for a Store that is ready, else 0", &[])?,
            condition: gauge(
                "operator_store_condition",
                "1 for a condition of a Store that is True, else 0",
                &["condition"],
            )?,
            pods_desired: gauge(
                "operator_store_pods_desired",
                "Pods that a part of a Store should have",
                &["component"],
            )?,
            pods_ready: gauge("operator_store_pods_ready", "Pods of a part of a Store that are ready", &["component"])?,
            backup: gauge(
                "operator_store_backup_last_success_timestamp_seconds",
                "When the newest backup of a Store's database was complete; before the first one, when the Store was made",
                &[],
            )?,
            certificate: gauge(
                "operator_store_certificate_expiry_timestamp_seconds",
                "Until when the certificate is good with which a Store's gateway itself serves",
                &[],
            )?,
            hit_ratio: gauge(
                "operator_store_hit_ratio",
                "Share of the answers that the caches of a Store had, as its status tells it",
                &[],
            )?,
        })
    }

    fn all(&self) -> [&GaugeVec; 7] {
        let Self { ready, condition, pods_desired, pods_ready, backup, certificate, hit_ratio } = self;
        [ready, condition, pods_desired, pods_ready, backup, certificate, hit_ratio]
    }

    fn take_in(&self, store: &Store, name: &StoreName, sources: &Sources) {
        let StoreName { namespace, name: store_name } = name;
        let of = [namespace.as_str(), store_name.as_str()];
        let set = |gauge: &GaugeVec, value: f64| gauge.with_label_values(&of).set(value);
        let nothing = StoreStatus::default();
        let status = store.status.as_ref().unwrap_or(&nothing);
        let is_ready = |it: &&_| is_true(it) && it.type_ == ConditionType::Ready.as_str();
        set(&self.ready, number(status.conditions.iter().find(is_ready).is_some()));
        for condition in &status.conditions {
            let labels = [namespace.as_str(), store_name.as_str(), condition.type_.as_str()];
            self.condition.with_label_values(&labels).set(number(is_true(condition)));
        }
        for (component, pods) in workloads(store, name, &sources.observed) {
            let labels = [namespace.as_str(), store_name.as_str(), component.as_str()];
            self.pods_desired.with_label_values(&labels).set(pods.desired.into());
            self.pods_ready.with_label_values(&labels).set(pods.ready.into());
        }
        if let Some(time) = last_backup(store) {
            set(&self.backup, seconds(time));
        }
        if let Some(end) = sources.certificates.end(name) {
            set(&self.certificate, seconds(end));
        }
        if let Some(ratio) = status.hit_ratio.as_ref().and_then(|ratio| ratio.parse().ok()) {
            set(&self.hit_ratio, ratio);
        }
    }
}

impl StoreFigures {
    /// What there may be.
    pub(super) fn descriptions() -> prometheus::Result<Vec<Desc>> {
        let gauges = Gauges::new()?;
        Ok(gauges.all().into_iter().flat_map(|gauge| gauge.desc().into_iter().cloned().collect::<Vec<_>>()).collect())
    }

    pub(super) fn read_from(&self, sources: Sources) {
        *self.sources.lock().unwrap_or_else(PoisonError::into_inner) = Some(sources);
    }

    /// The figures of all Stores, or of one.
    pub(super) fn families(&self, only: Option<&StoreName>) -> prometheus::Result<Vec<MetricFamily>> {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(sources) = sources else { return Ok(Vec::new()) };
        let gauges = Gauges::new()?;
        for store in sources.stores.state() {
            let Ok(store) = &store.0 else { continue };
            let (Some(namespace), Some(name)) = (&store.metadata.namespace, &store.metadata.name) else { continue };
            let name = StoreName { namespace: namespace.clone(), name: name.clone() };
            if only.is_none_or(|only| *only == name) {
                gauges.take_in(store, &name, &sources);
            }
        }
        // A family without a figure cannot be written.
        let families = gauges.all().into_iter().flat_map(Collector::collect);
        Ok(families.filter(|family| !family.get_metric().is_empty()).collect())
    }
}

/// The workloads of a Store by the words for their parts.
fn workloads(store: &Store, name: &StoreName, observed: &Observed) -> Vec<(String, Workload)> {
    let uid = store.metadata.uid.as_deref().unwrap_or_default();
    let of_part = |child: &str| child.strip_prefix(&name.name)?.strip_prefix('-').map(ToOwned::to_owned);
    let mut found: Vec<(String, Workload)> = observed
        .owned_by(name, uid)
        .into_iter()
        .filter_map(|(child, seen)| match seen.health {
            Health::Workload(pods) => Some((of_part(&child.name)?, *pods)),
            _ => None,
        })
        .collect();
    if store.spec.database().cloud_native_pg.is_some()
        && !found.iter().any(|(part, _)| part == Component::Postgres.as_str())
    {
        // It belongs to nobody when its volumes are to stay.
        let cluster = observed.workload(Kind::Cluster, name, &format!("{}-{}", name.name, Component::Postgres));
        found.extend(cluster.map(|pods| (Component::Postgres.to_string(), pods)));
    }
    found
}

/// When the newest backup was complete. One that is asked for and was never made is as late as the Store is old, so that it is missed too.
fn last_backup(store: &Store) -> Option<i64> {
    let made = store.status.as_ref().and_then(|status| status.backup.as_ref()?.last_success_time.as_ref());
    let is_asked_for = || store.spec.database().managed.is_some_and(|managed| managed.backup.is_some());
    let since = made.or_else(|| store.metadata.creation_timestamp.as_ref().filter(|_| is_asked_for()));
    since.map(|time| time.0.as_second())
}

fn is_true(condition: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition) -> bool {
    condition.status == "True"
}

fn number(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 have room in a float")]
fn seconds(time: i64) -> f64 {
    time as f64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn store(spec: &serde_json::Value, status: &serde_json::Value) -> Store {
        let metadata = json!({"name": "demo", "namespace": "shop", "creationTimestamp": "1970-01-01T00:01:40Z"});
        let kind = ("shopkeeper.dev/v1alpha1", "Store");
        let store = json!({"apiVersion": kind.0, "kind": kind.1, "metadata": metadata, "spec": spec, "status": status});
        serde_json::from_value(store).unwrap()
    }

    #[test]
    fn a_backup_that_was_never_made_is_as_late_as_the_store_is_old() {
        let backups = json!({"database": {"managed": {"backup": {"schedule": "0 3 * * *"}}}});
        let none = json!({});
        let failed = json!({"backup": {"lastFailure": {"time": "1970-01-02T00:00:00Z", "job": "a", "message": "b"}}});
        let made = json!({"backup": {"lastSuccessTime": "1970-01-01T01:00:00Z"}});
        for (spec, status, expected) in [
            (&backups, &none, Some(100)),
            (&backups, &failed, Some(100)),
            (&backups, &made, Some(3600)),
            (&none, &none, None),
            (&none, &made, Some(3600)),
        ] {
            assert_eq!(last_backup(&store(spec, status)), expected, "{spec} {status}");
        }
    }
}
