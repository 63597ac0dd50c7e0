//! The Secrets and `ConfigMaps` of the user's own that a Store names.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::PodTemplateSpec;
use shopkeeper_api::{Monitoring, Pods, Store, Tools};

use crate::{Component, Found, InvalidStore, Shop, hash::hash, overlay::Overlay};

/// Annotation on pod templates: a change of the Secrets that the Store brings into the pods rolls them.
const SECRETS_HASH: &str = "shopkeeper.dev/secrets-hash";

/// The same for `ConfigMaps`. It is another one, so that a Store that brings in Secrets only has the templates that it had.
const CONFIG_MAPS_HASH: &str = "shopkeeper.dev/config-maps-hash";

/// Names of all Secrets of the user's own by whose change a Store may be touched.
pub fn named_secrets(store: &Store) -> BTreeSet<String> {
    let spec = &store.spec;
    let external = [spec.database().external, spec.redis().external].into_iter().flatten();
    let mut names: BTreeSet<String> = external.map(|external| external.secret_ref.name).collect();
    names.extend(spec.gateway.tls.iter().map(|tls| tls.secret_name.clone()));
    let (database, redis) = (spec.database().managed, spec.redis().managed);
    let (monitoring, load_test) = (spec.monitoring(), spec.load_test());
    let services = &spec.services;
    let blocks = [&services.catalog, &services.cart, &services.order.block, &services.user.block];
    let templates = blocks.into_iter().map(|block| &block.pods).chain([&spec.gateway.pods]);
    names.extend(monitoring.alertmanager.telegram.iter().map(|telegram| telegram.secret_ref.name.clone()));
    let templates = templates.chain(of_monitoring(&monitoring)).chain([&load_test.pods]);
    let templates = templates.chain(database.iter().map(|it| &it.pods)).chain(redis.iter().map(|it| &it.pods));
    for template in templates.filter_map(|pods| pods.pod_template.as_deref()) {
        // One that can't be read is refused when the Store is.
        let overlay: Result<Overlay, InvalidStore> = Overlay::read("", template);
        names.extend(overlay.iter().flat_map(Overlay::secrets));
    }
    names
}

fn of_monitoring(monitoring: &Monitoring) -> [&Pods; 7] {
    let Monitoring { prometheus, alertmanager, grafana, tracing, exporters, tools, .. } = monitoring;
    let Tools { pg_admin, redis_commander } = tools;
    [
        &prometheus.pods,
        &alertmanager.pods,
        &grafana.pods,
        &tracing.pods,
        &exporters.pods,
        &pg_admin.pods,
        &redis_commander.pods,
    ]
}

impl Shop {
    /// Names of the Secrets that pod templates of the Store bring into pods that go on running.
    pub fn pod_secrets(&self) -> BTreeSet<String> {
        self.running_overlays().flat_map(Overlay::secrets).collect()
    }

    /// Names of the `ConfigMaps` that pod templates of the Store bring into pods that go on running.
    pub fn pod_config_maps(&self) -> BTreeSet<String> {
        self.running_overlays().flat_map(Overlay::config_maps).collect()
    }

    fn running_overlays(&self) -> impl Iterator<Item = &Overlay> {
        let running =
            |component: &Component| !matches!(component, Component::Migrate | Component::Seed | Component::Backup);
        self.pods.iter().filter(move |(component, _)| running(component)).map(|(_, settings)| &settings.overlay)
    }
}

/// Notes on a template which Secrets and `ConfigMaps` its pods are made with, if the Store brings in any: those of this part only.
pub(crate) fn note(shop: &Shop, found: &Found, component: Component, template: &mut PodTemplateSpec) {
    let overlay = &shop.pods(component).overlay;
    note_under(SECRETS_HASH, overlay.secrets(), &found.secrets, template);
    note_under(CONFIG_MAPS_HASH, overlay.config_maps(), &found.config_maps, template);
}

fn note_under(
    annotation: &str,
    names: impl Iterator<Item = String>,
    hashes: &BTreeMap<String, String>,
    template: &mut PodTemplateSpec,
) {
    let names: BTreeSet<String> = names.collect();
    if names.is_empty() {
        return;
    }
    let contents: Vec<_> = names.iter().map(|name| (name, hashes.get(name))).collect();
    let annotations = template.metadata.get_or_insert_default().annotations.get_or_insert_default();
    annotations.insert(annotation.into(), hash(&contents));
}
