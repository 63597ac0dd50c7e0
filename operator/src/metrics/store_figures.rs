//! How each Store is, as figures: read from what the watches saw when somebody asks, and not kept.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use kube::runtime::reflector::Store as Cache;
use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};
use shopkeeper_api::{ConditionType, Store, StoreStatus};
use shopkeeper_plan::Component;
use strum::{EnumIter, IntoEnumIterator};

use super::Described;
use crate::{
    certificates::Certificates,
    health::Workload,
    kind::Kind,
    observed::{Observed, StoreName},
    watch::{Guarded, object_ref, store_name},
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

/// One of the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter)]
enum Figure {
    Ready,
    Condition,
    PodsDesired,
    PodsReady,
    Backup,
    Certificate,
    HitRatio,
}

impl Figure {
    const fn name(self) -> &'static str {
        match self {
            Self::Ready => "operator_store_ready",
            Self::Condition => "operator_store_condition",
            Self::PodsDesired => "operator_store_pods_desired",
            Self::PodsReady => "operator_store_pods_ready",
            Self::Backup => "operator_store_backup_last_success_timestamp_seconds",
            Self::Certificate => "operator_store_certificate_expiry_timestamp_seconds",
            Self::HitRatio => "operator_store_hit_ratio",
        }
    }

    const fn help(self) -> &'static str {
        match self {
            Self::Ready => "1 for a Store that is ready, else 0",
            Self::Condition => "1 for a condition of a Store that is True, else 0",
            Self::PodsDesired => "Pods that a part of a Store should have",
            Self::PodsReady => "Pods of a part of a Store that are ready",
            Self::Backup => {
                "When the newest backup of a Store's database was complete; before the first one, when the Store was made"
            }
            Self::Certificate => "Until when the certificate is good with which a Store's gateway itself serves",
            Self::HitRatio => "Share of the answers that the caches of a Store had, as its status tells it",
        }
    }

    /// The label that it has besides namespace and store.
    const fn label(self) -> Option<&'static str> {
        match self {
            Self::Condition => Some("condition"),
            Self::PodsDesired | Self::PodsReady => Some("component"),
            Self::Ready | Self::Backup | Self::Certificate | Self::HitRatio => None,
        }
    }
}

/// The figures of one answer. With many Stores there are tens of thousands, so they are written down at once, by no registry of gauges.
#[derive(Default)]
struct Figures(BTreeMap<Figure, Vec<Metric>>);

impl Figures {
    fn add(&mut self, store: &StoreName, figure: Figure, more: Option<&str>, value: f64) {
        let label = |name: &str, value: &str| {
            let mut pair = LabelPair::default();
            pair.set_name(name.to_owned());
            pair.set_value(value.to_owned());
            pair
        };
        let more = figure.label().zip(more).map(|(name, value)| label(name, value));
        let whose = [label("namespace", &store.namespace), label("store", &store.name)];
        let mut metric = Metric::from_label(more.into_iter().chain(whose).collect());
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
        self.0.entry(figure).or_default().push(metric);
    }

    fn take_in(&mut self, store: &Store, name: &StoreName, sources: &Sources) {
        let nothing = StoreStatus::default();
        let status = store.status.as_ref().unwrap_or(&nothing);
        let is_ready = |it: &_| is_true(it) && it.type_ == ConditionType::Ready.as_str();
        self.add(name, Figure::Ready, None, number(status.conditions.iter().any(is_ready)));
        for condition in &status.conditions {
            self.add(name, Figure::Condition, Some(&condition.type_), number(is_true(condition)));
        }
        for (component, pods) in workloads(store, name, &sources.observed) {
            self.add(name, Figure::PodsDesired, Some(&component), pods.desired.into());
            self.add(name, Figure::PodsReady, Some(&component), pods.ready.into());
        }
        if let Some(time) = last_backup(store) {
            self.add(name, Figure::Backup, None, seconds(time));
        }
        if let Some(end) = sources.certificates.end(name) {
            self.add(name, Figure::Certificate, None, seconds(end));
        }
        if let Some(ratio) = status.hit_ratio.as_ref().and_then(|ratio| ratio.parse().ok()) {
            self.add(name, Figure::HitRatio, None, ratio);
        }
    }

    fn families(self) -> Vec<MetricFamily> {
        let family = |(figure, metrics): (Figure, Vec<Metric>)| {
            let mut family = MetricFamily::default();
            family.set_name(figure.name().to_owned());
            family.set_help(figure.help().to_owned());
            family.set_field_type(MetricType::GAUGE);
            family.set_metric(metrics);
            family
        };
        self.0.into_iter().map(family).collect()
    }
}

impl StoreFigures {
    /// What there may be.
    pub(super) fn described() -> impl Iterator<Item = Described> {
        Figure::iter().map(|figure| Described {
            name: figure.name().to_owned(),
            labels: ["namespace", "store"].into_iter().chain(figure.label()).map(ToOwned::to_owned).collect(),
            help: figure.help().to_owned(),
        })
    }

    pub(super) fn read_from(&self, sources: Sources) {
        *self.sources.lock().unwrap_or_else(PoisonError::into_inner) = Some(sources);
    }

    /// The figures of all Stores, or of one.
    pub(super) fn families(&self, only: Option<&StoreName>) -> Vec<MetricFamily> {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(sources) = sources else { return Vec::new() };
        let stores = match only {
            Some(name) => sources.stores.get(&object_ref(name)).into_iter().collect(),
            None => sources.stores.state(),
        };
        let mut figures = Figures::default();
        for store in stores {
            let Ok(store) = &store.0 else { continue };
            if let Some(name) = store_name(store) {
                figures.take_in(store, &name, &sources);
            }
        }
        figures.families()
    }
}

/// The workloads of a Store by the words for their parts; each part once, though a database may be there in both of its forms for a while.
fn workloads(store: &Store, name: &StoreName, observed: &Observed) -> BTreeMap<String, Workload> {
    let uid = store.metadata.uid.as_deref().unwrap_or_default();
    let of_part = |child: &str| child.strip_prefix(&name.name)?.strip_prefix('-').map(ToOwned::to_owned);
    let owned = observed.workloads_of(name, uid);
    let mut found: BTreeMap<String, Workload> =
        owned.into_iter().filter_map(|(child, pods)| Some((of_part(&child)?, pods))).collect();
    if store.spec.database().cloud_native_pg.is_some() && !found.contains_key(Component::Postgres.as_str()) {
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
