//! The container beside nginx that makes figures and spans of its log.

use k8s_openapi::api::core::v1::{Container, EnvVar};

use super::log::EXPORTER;
use crate::{
    Component, Shop,
    pod::{self, OPS_PORT},
    telemetry,
};

/// The name of its port in the pod.
const PORT: &str = "metrics";

pub(super) fn container(shop: &Shop) -> Container {
    let component = Component::GatewayExporter;
    Container {
        env: Some(environment(shop)),
        ports: Some(vec![pod::port(PORT, component.port())]),
        // That it lives is all that is asked: while a container is not ready, or not started, the whole pod takes no requests, and a gateway whose
        // figures are not there serves all the same.
        liveness_probe: Some(pod::path_probe(PORT, "/livez", 10, 6)),
        // As long as nginx has something to say.
        lifecycle: Some(pod::linger()),
        ..pod::container(shop, component, component)
    }
}

fn environment(shop: &Shop) -> Vec<EnvVar> {
    let mut env = vec![
        pod::env("LOG_ADDR", EXPORTER),
        pod::env("OPS_ADDR", format!("0.0.0.0:{}", Component::GatewayExporter.port())),
        pod::env("STUB_STATUS_URL", format!("http://127.0.0.1:{OPS_PORT}/stub_status")),
        pod::env("LOG_FORMAT", "json"),
    ];
    env.extend(telemetry::environment(shop));
    env
}
