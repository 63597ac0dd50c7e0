//! Disruption budgets: at most one pod of a component goes at a time.

use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use crate::{Component, Shop, meta};

/// None for a single pod, where a budget would only block the draining of its node.
pub(crate) fn budget(shop: &Shop, component: Component, least_replicas: i32) -> Option<PodDisruptionBudget> {
    (least_replicas > 1).then(|| PodDisruptionBudget {
        metadata: meta::owned(shop, shop.child(component), component),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(meta::selector(shop, component)),
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".into()),
            ..PodDisruptionBudgetSpec::default()
        }),
        ..PodDisruptionBudget::default()
    })
}
