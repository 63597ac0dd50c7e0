//! What a Store lays over the pods that the operator makes: `podTemplate`.
//!
//! Only what is known to be harmless is let through: what the operator needs for itself is refused, and so is whatever would make a pod
//! less than Pod Security `restricted`. Containers beside the operator's own are filled up to it.

mod containers;
mod volumes;

use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec};
use serde_json::Value;
use shopkeeper_api::{ExtraMetadata, PodTemplate};

use crate::{Component, InvalidStore, kubernetes_type::typed, meta};

/// What a pod's spec may be given.
const ALLOWED: [&str; 9] = [
    "containers",
    "initContainers",
    "volumes",
    "terminationGracePeriodSeconds",
    "dnsPolicy",
    "dnsConfig",
    "hostAliases",
    "runtimeClassName",
    "schedulerName",
];

/// What is laid over the pods of one part.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Overlay {
    /// Where in the Store it is.
    path: String,
    metadata: ExtraMetadata,
    spec: PodSpec,
}

/// What is wrong, and where in the pod's spec.
struct Refusal {
    at: String,
    problem: String,
}

impl Refusal {
    fn new(at: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { at: at.into(), problem: problem.into() }
    }

    /// The same, seen from further out.
    fn within(self, outer: &str) -> Self {
        Self { at: if self.at.is_empty() { outer.to_owned() } else { format!("{outer}.{}", self.at) }, ..self }
    }
}

impl Overlay {
    /// Reads what a Store has at `<path>.podTemplate`.
    pub(crate) fn read(path: &str, template: &PodTemplate) -> Result<Self, InvalidStore> {
        let PodTemplate { metadata, spec } = template;
        let path = format!("{path}.podTemplate");
        let metadata = metadata.clone().unwrap_or_default();
        meta::check_extra(&format!("{path}.metadata"), &metadata)?;
        let nothing = Value::Object(serde_json::Map::new());
        let spec = spec.as_ref().unwrap_or(&nothing);
        let refused = |refusal: Refusal| refusal.at(&path);
        for field in spec.as_object().into_iter().flat_map(serde_json::Map::keys) {
            if !ALLOWED.contains(&field.as_str()) {
                return Err(refused(Refusal::new(field.clone(), elsewhere(field))));
            }
        }
        let spec: PodSpec = typed(spec).map_err(|problem| refused(Refusal::new("", problem)))?;
        Ok(Self { path, metadata, spec })
    }

    /// The same without what is laid over the operator's own containers: whole ones that come beside them stay.
    pub(crate) fn with_whole_containers_only(mut self) -> Self {
        self.spec.containers.retain(|container| container.image.is_some());
        self
    }

    /// The same without what is laid over the container of another part, which has pods of its own and is spoken of in the same place.
    pub(crate) fn without_container_of(mut self, other: Component) -> Self {
        self.spec.containers.retain(|container| container.image.is_some() || container.name != other.as_str());
        self
    }

    /// Lays it over a template.
    pub(crate) fn lay_over(&self, template: &mut PodTemplateSpec) -> Result<(), InvalidStore> {
        let metadata = template.metadata.get_or_insert_default();
        meta::add_extra(metadata, &self.metadata);
        let spec = template.spec.get_or_insert_default();
        self.lay_over_spec(spec).map_err(|refusal| refusal.at(&self.path))
    }

    fn lay_over_spec(&self, spec: &mut PodSpec) -> Result<(), Refusal> {
        let mut added = Vec::new();
        for volume in self.spec.volumes.iter().flatten() {
            let at = format!("volumes[{}]", volume.name);
            if spec.volumes.iter().flatten().any(|it| it.name == volume.name) {
                return Err(Refusal::new(at, "this volume is the operator's: use another name"));
            }
            volumes::check(volume).map_err(|refusal| refusal.within(&at))?;
            added.push(volume.clone());
        }
        let may_mount = |name: &str| added.iter().any(|volume| volume.name == name);
        for container in &self.spec.containers {
            let at = format!("containers[{}]", container.name);
            let own = spec.containers.iter_mut().find(|it| it.name == container.name);
            match own {
                Some(own) => containers::lay_over(own, container, &may_mount),
                None => containers::beside(container, &may_mount).map(|container| spec.containers.push(container)),
            }
            .map_err(|refusal| refusal.within(&at))?;
        }
        for container in self.spec.init_containers.iter().flatten() {
            let at = format!("initContainers[{}]", container.name);
            let taken = |containers: &[Container]| containers.iter().any(|it| it.name == container.name);
            let init = spec.init_containers.get_or_insert_default();
            if taken(&spec.containers) || taken(init) {
                return Err(Refusal::new(at, "there is a container of this name: use another one"));
            }
            init.push(containers::beside(container, &may_mount).map_err(|refusal| refusal.within(&at))?);
        }
        if !added.is_empty() {
            spec.volumes.get_or_insert_default().extend(added);
        }
        let PodSpec {
            termination_grace_period_seconds,
            dns_policy,
            dns_config,
            host_aliases,
            runtime_class_name,
            scheduler_name,
            ..
        } = self.spec.clone();
        let least = spec.termination_grace_period_seconds;
        if let Some(seconds) = termination_grace_period_seconds {
            if least.is_some_and(|least| seconds < least) {
                let problem = format!("what is begun must be finished: write {} or more", least.unwrap_or_default());
                return Err(Refusal::new("terminationGracePeriodSeconds", problem));
            }
            spec.termination_grace_period_seconds = Some(seconds);
        }
        spec.dns_policy = dns_policy.or(spec.dns_policy.take());
        spec.dns_config = dns_config.or(spec.dns_config.take());
        spec.host_aliases = host_aliases.or(spec.host_aliases.take());
        spec.runtime_class_name = runtime_class_name.or(spec.runtime_class_name.take());
        spec.scheduler_name = scheduler_name.or(spec.scheduler_name.take());
        Ok(())
    }

    /// Names of the Secrets that the overlay itself brings into the pods.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> {
        let of_containers = self.containers().flat_map(containers::secrets);
        of_containers.chain(self.spec.volumes.iter().flatten().flat_map(volumes::secrets))
    }

    /// Names of the `ConfigMaps` that the overlay itself brings into the pods.
    pub(crate) fn config_maps(&self) -> impl Iterator<Item = String> {
        let of_containers = self.containers().flat_map(containers::config_maps);
        of_containers.chain(self.spec.volumes.iter().flatten().flat_map(volumes::config_maps))
    }

    fn containers(&self) -> impl Iterator<Item = &Container> {
        self.spec.containers.iter().chain(self.spec.init_containers.iter().flatten())
    }
}

impl Refusal {
    fn at(self, path: &str) -> InvalidStore {
        let outer = format!("{path}.spec");
        let Self { at, problem } = self.within(&outer);
        InvalidStore::PodTemplate { path: at, problem }
    }
}

/// Where what is not allowed here can be said instead.
fn elsewhere(field: &str) -> String {
    match field {
        "nodeSelector" | "tolerations" | "affinity" | "topologySpreadConstraints" | "priorityClassName" => {
            format!("write it as scheduling.{field} of the same part")
        }
        "imagePullSecrets" => "write it as spec.images.pullSecrets".into(),
        _ => format!("the operator sets this itself: leave it out; what may be written is {}", ALLOWED.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_and_config_maps_are_found_wherever_a_template_may_name_them() {
        let environment = |n: u8| {
            json!({
                "env": [
                    {"name": "A", "valueFrom": {"secretKeyRef": {"name": format!("secret-env-{n}"), "key": "a"}}},
                    {"name": "B", "valueFrom": {"configMapKeyRef": {"name": format!("map-env-{n}"), "key": "b"}}},
                ],
                "envFrom": [
                    {"secretRef": {"name": format!("secret-whole-{n}")}},
                    {"configMapRef": {"name": format!("map-whole-{n}")}},
                ],
            })
        };
        let container = |n: u8| {
            let mut container = environment(n);
            container["name"] = json!(format!("container-{n}"));
            container
        };
        let spec = json!({
            "containers": [container(1)], "initContainers": [container(2)],
            "volumes": [
                {"name": "a", "secret": {"secretName": "secret-folder"}},
                {"name": "b", "configMap": {"name": "map-folder"}},
                {"name": "c", "projected": {"sources": [
                    {"secret": {"name": "secret-projected"}}, {"configMap": {"name": "map-projected"}},
                ]}},
            ],
        });
        let overlay = Overlay::read("x", &PodTemplate { metadata: None, spec: Some(spec) }).unwrap();
        let names = |kind: &str| -> BTreeSet<String> {
            let places = ["env-1", "env-2", "whole-1", "whole-2", "folder", "projected"];
            places.into_iter().map(|place| format!("{kind}-{place}")).collect()
        };
        assert_eq!(overlay.secrets().collect::<BTreeSet<_>>(), names("secret"));
        assert_eq!(overlay.config_maps().collect::<BTreeSet<_>>(), names("map"));
    }
}
