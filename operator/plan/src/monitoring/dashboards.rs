//! The dashboards, in a `ConfigMap` that a Grafana finds by its labels. They are the same for all shops, which each of them lets choose from.

use std::{collections::BTreeMap, sync::OnceLock};

use k8s_openapi::api::core::v1::ConfigMap;

use crate::{Component, Shop, meta};

pub(super) fn name(shop: &Shop) -> String {
    format!("{}-dashboards", shop.name)
}

pub(super) fn dashboards(shop: &Shop) -> ConfigMap {
    let mut metadata = meta::owned(shop, name(shop), Component::Grafana);
    metadata.labels.get_or_insert_default().extend(shop.monitoring().grafana.dashboard_labels.clone());
    ConfigMap { metadata, data: Some(files().clone()), ..ConfigMap::default() }
}

/// All of them by the names of their files. Written once: every look at every Store has them in it.
#[expect(clippy::expect_used, reason = "keys of these documents are texts, which can always be written")]
pub(super) fn files() -> &'static BTreeMap<String, String> {
    static FILES: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    FILES.get_or_init(|| {
        let file = |dashboard: &shopkeeper_monitoring::Dashboard| {
            (format!("{}.json", dashboard.uid()), serde_json::to_string(dashboard).expect("JSON"))
        };
        shopkeeper_monitoring::dashboards().iter().map(file).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_dashboards_fit_into_one_object() {
        let size: usize = files().iter().map(|(name, text)| name.len() + text.len()).sum();
        assert!(!files().is_empty() && size < 1_000_000, "{size} bytes; the API server takes 1 MiB");
    }
}
