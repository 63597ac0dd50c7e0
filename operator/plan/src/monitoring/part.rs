//! What the parts that watch a shop have in common: one pod, one Service, and settings by which a change rolls the pod.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, StatefulSet},
    core::v1::{
        ConfigMap, Container, EnvVar, PersistentVolumeClaim, PodTemplateSpec, Secret, Service, ServiceSpec, Volume,
    },
};

use super::scrape;
use crate::{
    Component, InvalidStore, Shop, meta,
    pod::{self, CONFIG_HASH, PodParts},
    service::service_port,
};

/// A part that watches the shop.
#[derive(Clone, Debug)]
pub struct MonitoringPart {
    /// Which one.
    pub component: Component,
    /// Its settings.
    pub config: Option<ConfigMap>,
    /// Its settings, where something secret is among them.
    pub secret: Option<Secret>,
    /// What it keeps outlives its pod in this.
    pub volume: Option<PersistentVolumeClaim>,
    /// The name under which it is found.
    pub service: Service,
    /// Its pods.
    pub pods: MonitoringPods,
}

/// The pods of a part that watches the shop.
#[derive(Clone, Debug)]
pub enum MonitoringPods {
    /// Pods that are as good as each other.
    Deployment(Box<Deployment>),
    /// A pod that is never there twice.
    StatefulSet(Box<StatefulSet>),
}

impl MonitoringPods {
    /// What the pods are made from.
    pub fn template(&mut self) -> &mut PodTemplateSpec {
        match self {
            Self::Deployment(deployment) => &mut deployment.spec.get_or_insert_default().template,
            Self::StatefulSet(stateful_set) => &mut stateful_set.spec.get_or_insert_default().template,
        }
    }
}

/// What a part's pod is made of.
pub(crate) struct Contents {
    pub(crate) container: Container,
    pub(crate) volumes: Vec<Volume>,
    /// Hash of what a change of must roll the pod.
    pub(crate) hash: Option<String>,
}

/// A part without settings, or whose settings are added afterwards.
pub(crate) fn part(component: Component, service: Service, deployment: Deployment) -> MonitoringPart {
    MonitoringPart {
        component,
        config: None,
        secret: None,
        volume: None,
        service,
        pods: MonitoringPods::Deployment(Box::new(deployment)),
    }
}

pub(super) fn template(shop: &Shop, component: Component, contents: Contents) -> Result<PodTemplateSpec, InvalidStore> {
    let Contents { container, volumes, hash } = contents;
    let parts = PodParts {
        component,
        containers: vec![container],
        volumes,
        annotations: hash.map(|hash| BTreeMap::from([(CONFIG_HASH.into(), hash)])).unwrap_or_default(),
        grace_seconds: 10,
        restart_policy: None,
    };
    pod::template(shop, parts)
}

/// One pod, which goes before its successor comes: two of them would know half each, and take twice the memory.
pub(crate) fn deployment(shop: &Shop, component: Component, contents: Contents) -> Result<Deployment, InvalidStore> {
    Ok(Deployment {
        metadata: meta::owned(shop, shop.child(component), component),
        spec: Some(DeploymentSpec {
            replicas: Some(shop.running(1)),
            selector: meta::selector(shop, component),
            strategy: Some(DeploymentStrategy { type_: Some("Recreate".into()), rolling_update: None }),
            progress_deadline_seconds: Some(120),
            revision_history_limit: Some(1),
            template: template(shop, component, contents)?,
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    })
}

/// A Service of a part, with ports that are called alike in the pod, and with the job under which its figures are collected.
pub(crate) fn web_service(shop: &Shop, component: Component, ports: &[(&str, i32)]) -> Service {
    let ports = ports.iter().map(|(name, port)| service_port(name, *port)).collect();
    let mut service = Service {
        metadata: meta::owned(shop, shop.child(component), component),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".into()),
            selector: Some(meta::selector_labels(shop, component)),
            ports: Some(ports),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    };
    if let Some(job) = scrape::job(component) {
        scrape::note_job(&mut service, job);
    }
    service
}

/// What tells a program in Go how much memory it may use before it tidies up in earnest: nine tenths of its limit.
pub(crate) fn go_environment(shop: &Shop, component: Component) -> Vec<EnvVar> {
    let limit = shop.pods(component).compute.memory_limit.units();
    vec![pod::env("GOMEMLIMIT", (limit / 10 * 9).to_string())]
}

/// A document in YAML.
#[expect(clippy::expect_used, reason = "keys of these documents are texts, which can always be written")]
pub(super) fn yaml(document: &serde_json::Value) -> String {
    serde_yaml_ng::to_string(document).expect("YAML")
}
