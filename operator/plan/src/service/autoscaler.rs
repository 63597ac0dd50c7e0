//! What sets the number of a service's pods.

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec, MetricTarget,
    ResourceMetricSource,
};
use shopkeeper_api::Autoscaling;

use crate::{Component, Shop, meta};

pub(super) fn autoscaler(shop: &Shop, component: Component, wanted: Autoscaling) -> HorizontalPodAutoscaler {
    let target = MetricTarget {
        type_: "Utilization".into(),
        average_utilization: Some(wanted.target_cpu_utilization),
        ..MetricTarget::default()
    };
    HorizontalPodAutoscaler {
        metadata: meta::owned(shop, shop.child(component), component),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".into()),
                kind: "Deployment".into(),
                name: shop.child(component),
            },
            min_replicas: Some(wanted.min_replicas),
            max_replicas: wanted.max_replicas,
            metrics: Some(vec![MetricSpec {
                type_: "Resource".into(),
                resource: Some(ResourceMetricSource { name: "cpu".into(), target }),
                ..MetricSpec::default()
            }]),
            ..HorizontalPodAutoscalerSpec::default()
        }),
        ..HorizontalPodAutoscaler::default()
    }
}
