//! A Grafana of the shop's own, with datasources and dashboards. Who is past the gateway's login sees all; who wants to change something logs in as
//! its admin.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Container, EnvVar};
use serde_json::json;
use shopkeeper_monitoring::Addresses;

use super::{Contents, MonitoringPart, dashboards, deployment, part, part::yaml, web_service};
use crate::{Component, Found, InvalidStore, Shop, database::credentials_secret, hash::hash, meta, pod};

/// Key of the generated password of its admin.
pub const PASSWORD_KEY: &str = "grafana-password";

const PROVISIONING: &str = "/etc/grafana/provisioning";
const DASHBOARDS: &str = "/etc/grafana/shop";
const DATA: &str = "/var/lib/grafana";

pub(super) fn grafana(shop: &Shop, found: &Found) -> Result<MonitoringPart, InvalidStore> {
    let component = Component::Grafana;
    let config = ConfigMap {
        metadata: meta::owned(shop, shop.child(component), component),
        data: Some(BTreeMap::from([
            ("datasources.yaml".into(), datasources(shop, found)),
            ("dashboards.yaml".into(), provider()),
        ])),
        ..ConfigMap::default()
    };
    let contents = Contents {
        container: container(shop),
        volumes: vec![
            folder_of("datasources", &shop.child(component), "datasources.yaml"),
            folder_of("providers", &shop.child(component), "dashboards.yaml"),
            pod::config_folder("dashboards", &dashboards::name(shop)),
            pod::scratch("data", "256Mi"),
            pod::scratch("tmp", "64Mi"),
        ],
        // Grafana looks for changed dashboards by itself, but not for datasources.
        hash: Some(hash(&(&config.data, &found.credentials.grafana))),
    };
    let service = web_service(shop, component, &[("web", component.port())]);
    Ok(MonitoringPart { config: Some(config), ..part(component, service, deployment(shop, component, contents)?) })
}

fn folder_of(name: &str, config_map: &str, file: &str) -> k8s_openapi::api::core::v1::Volume {
    let mut volume = pod::config_folder(name, config_map);
    let item = k8s_openapi::api::core::v1::KeyToPath { key: file.into(), path: file.into(), mode: None };
    if let Some(source) = volume.config_map.as_mut() {
        source.items = Some(vec![item]);
    }
    volume
}

fn datasources(shop: &Shop, found: &Found) -> String {
    let at = |component: Component, path: &str| {
        let address = || format!("http://{}:{}{path}", shop.child(component), component.port());
        shop.is_made(component).then(address)
    };
    yaml(&shopkeeper_monitoring::datasources(&Addresses {
        prometheus: shop.prometheus_address(found).unwrap_or_default(),
        jaeger: at(Component::Jaeger, "/jaeger"),
        alertmanager: at(Component::Alertmanager, "/alertmanager"),
    }))
}

fn provider() -> String {
    yaml(&json!({
        "apiVersion": 1,
        "providers": [{
            "name": "shop",
            "folder": "Shop",
            "type": "file",
            "allowUiUpdates": false,
            "disableDeletion": true,
            "updateIntervalSeconds": 30,
            "options": {"path": DASHBOARDS},
        }],
    }))
}

fn environment(shop: &Shop) -> Vec<EnvVar> {
    let settings = [
        ("GF_SERVER_ROOT_URL", format!("{}/grafana/", shop.link_url())),
        ("GF_SERVER_SERVE_FROM_SUB_PATH", "true".into()),
        ("GF_SERVER_HTTP_PORT", Component::Grafana.port().to_string()),
        ("GF_SECURITY_ADMIN_USER", "admin".into()),
        // Whoever gets here is past the gateway's login.
        ("GF_AUTH_ANONYMOUS_ENABLED", "true".into()),
        ("GF_AUTH_ANONYMOUS_ORG_ROLE", "Viewer".into()),
        ("GF_PATHS_DATA", DATA.into()),
        ("GF_PATHS_LOGS", format!("{DATA}/log")),
        ("GF_PATHS_PLUGINS", format!("{DATA}/plugins")),
        ("GF_PATHS_PROVISIONING", PROVISIONING.into()),
        ("GF_LOG_MODE", "console".into()),
        ("GF_LOG_CONSOLE_FORMAT", "json".into()),
        // Nothing is asked of, or told to, anybody outside.
        ("GF_ANALYTICS_REPORTING_ENABLED", "false".into()),
        ("GF_ANALYTICS_CHECK_FOR_UPDATES", "false".into()),
        ("GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false".into()),
        ("GF_PLUGINS_PREINSTALL_DISABLED", "true".into()),
        ("GF_NEWS_NEWS_FEED_ENABLED", "false".into()),
        ("GF_SECURITY_DISABLE_GRAVATAR", "true".into()),
    ];
    let mut env: Vec<EnvVar> =
        settings.into_iter().map(|(name, value): (&str, String)| pod::env(name, value)).collect();
    env.push(pod::secret_env("GF_SECURITY_ADMIN_PASSWORD", &credentials_secret(&shop.name), PASSWORD_KEY));
    env.extend(super::go_environment(shop, Component::Grafana));
    env
}

fn container(shop: &Shop) -> Container {
    let component = Component::Grafana;
    Container {
        env: Some(environment(shop)),
        ports: Some(vec![pod::port("web", component.port())]),
        volume_mounts: Some(vec![
            pod::read_only_mount("datasources", &format!("{PROVISIONING}/datasources")),
            pod::read_only_mount("providers", &format!("{PROVISIONING}/dashboards")),
            pod::read_only_mount("dashboards", DASHBOARDS),
            pod::mount("data", DATA),
            pod::mount("tmp", "/tmp"),
        ]),
        startup_probe: Some(pod::path_probe("web", "/api/health", 2, 90)),
        readiness_probe: Some(pod::path_probe("web", "/api/health", 5, 3)),
        liveness_probe: Some(pod::path_probe("web", "/api/health", 10, 6)),
        ..pod::container(shop, component, component)
    }
}
