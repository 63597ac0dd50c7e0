//! What our own programs are told of where their traces go.

use k8s_openapi::api::core::v1::EnvVar;

use crate::{Shop, pod};

/// Whose traces they are, and where they go if anywhere; the name of the pod, which is in its figures, in any case.
pub(crate) fn environment(shop: &Shop) -> Vec<EnvVar> {
    let mut env = vec![pod::pod_name_env()];
    if let Some(collector) = shop.collector() {
        let of = format!("service.namespace={},shop={}", shop.namespace, shop.name);
        env.extend([
            pod::env("OTEL_EXPORTER_OTLP_ENDPOINT", collector),
            pod::env("OTEL_RESOURCE_ATTRIBUTES", of),
            pod::env("OTEL_TRACES_SAMPLER_ARG", shop.monitoring().tracing.sampling.clone()),
        ]);
    }
    env
}
