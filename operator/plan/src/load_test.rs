//! Locust: customers who are none, with the scripts that this project's own measurements use.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Container};

use crate::{
    Component, Found, InvalidStore, Shop,
    hash::hash,
    meta,
    monitoring::{Contents, MonitoringPart, deployment, part, web_service},
    pod,
};

// All `.py` files of the folder `load`, by their names.
include!(concat!(env!("OUT_DIR"), "/load_scripts.rs"));

const SCRIPTS: &str = "/load";

pub(crate) fn locust(shop: &Shop, _: &Found) -> Result<MonitoringPart, InvalidStore> {
    let component = Component::Locust;
    let scripts = LOAD_SCRIPTS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let config = ConfigMap {
        metadata: meta::owned(shop, shop.child(component), component),
        data: Some(scripts.collect::<BTreeMap<_, _>>()),
        ..ConfigMap::default()
    };
    let contents = Contents {
        container: container(shop),
        volumes: vec![pod::config_folder("scripts", &shop.child(component)), pod::scratch("tmp", "256Mi")],
        hash: Some(hash(&config.data)),
    };
    let service = web_service(shop, component, &[("locust", component.port())]);
    Ok(MonitoringPart { config: Some(config), ..part(component, service, deployment(shop, component, contents)?) })
}

fn container(shop: &Shop) -> Container {
    let component = Component::Locust;
    let asked = &shop.load_test;
    let (gateway, port) = (shop.child(Component::Gateway), Component::Gateway.port());
    let mut args = vec![
        format!("--locustfile={SCRIPTS}/locustfile.py"),
        format!("--host=http://{gateway}:{port}"),
        format!("--users={}", asked.users),
        format!("--spawn-rate={}", asked.spawn_rate),
        format!("--web-port={}", component.port()),
        "--web-base-path=/locust".into(),
    ];
    args.extend(asked.run_time.map(|time| format!("--run-time={}s", time.as_std().as_secs())));
    Container {
        args: Some(args),
        env: Some(vec![
            pod::env("SHAPE", asked.shape.as_str()),
            // Whoever begins a run on the page says there how many customers come: no rate is promised for them.
            pod::env("LEVEL_RATE", "0"),
            pod::env("HOME", "/tmp"),
            pod::env("PYTHONDONTWRITEBYTECODE", "1"),
            pod::env("PYTHONUNBUFFERED", "1"),
        ]),
        ports: Some(vec![pod::port("locust", component.port())]),
        volume_mounts: Some(vec![pod::read_only_mount("scripts", SCRIPTS), pod::mount("tmp", "/tmp")]),
        startup_probe: Some(pod::port_probe("locust", 2, 60)),
        readiness_probe: Some(pod::port_probe("locust", 5, 3)),
        liveness_probe: Some(pod::port_probe("locust", 10, 6)),
        ..pod::container(shop, component, component)
    }
}
