//! A Prometheus of the shop's own. It keeps its figures in the pod, as they are for looking at what is going on, or in a volume where one is
//! asked for.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy},
    core::v1::{ConfigMap, Container, Volume},
};
use shopkeeper_api::{Profile, Storage};

use super::{
    Contents, MonitoringPart, MonitoringPods, go_environment,
    part::{template, yaml},
    rules, scrape, web_service,
};
use crate::{
    Component, Found, InvalidStore, Shop,
    claim::{claimed, kept, owned_claim},
    hash::hash,
    meta, pod,
};

const CONFIG: &str = "/etc/prometheus";
const DATA: &str = "/prometheus";

pub(super) fn prometheus(shop: &Shop, found: &Found) -> Result<MonitoringPart, InvalidStore> {
    let component = Component::Prometheus;
    let config = ConfigMap {
        metadata: meta::owned(shop, shop.child(component), component),
        data: Some(BTreeMap::from([
            ("prometheus.yml".into(), yaml(&scrape::configuration(shop, found))),
            ("rules.yml".into(), yaml(&rules::rules(shop, found))),
        ])),
        ..ConfigMap::default()
    };
    Ok(MonitoringPart {
        component,
        service: web_service(shop, component, &[("web", component.port())]),
        pods: MonitoringPods::StatefulSet(Box::new(stateful_set(shop, found, &config)?)),
        config: Some(config),
        secret: None,
        volume: asked(shop)
            .map(|asked| owned_claim(shop, component, &kept(asked.clone(), found.figures_volume.as_ref()))),
    })
}

fn asked(shop: &Shop) -> Option<&Storage> {
    shop.monitoring().prometheus.storage.as_ref()
}

/// Where figures are kept, and how much of it is used: the newest are not yet counted when the oldest are dropped. A volume that is to grow, and perhaps
/// cannot, is as large as it is.
fn room(shop: &Shop, found: &Found) -> (Volume, String) {
    if let Some(asked) = asked(shop) {
        let there = found.figures_volume.as_ref().unwrap_or(asked);
        return (claimed(shop, Component::Prometheus, "data"), format!("{}B", there.size.units() / 5 * 4));
    }
    let (size, used) = match shop.profile {
        Profile::Laptop => ("1Gi", "600MB"),
        Profile::Standard => ("5Gi", "4GB"),
        Profile::HighAvailability => ("10Gi", "8GB"),
    };
    (pod::scratch("data", size), used.into())
}

fn stateful_set(shop: &Shop, found: &Found, config: &ConfigMap) -> Result<StatefulSet, InvalidStore> {
    let component = Component::Prometheus;
    let name = shop.child(component);
    let (data, used) = room(shop, found);
    let contents = Contents {
        container: container(shop, &used),
        volumes: vec![pod::config_folder("config", &name), data],
        hash: Some(hash(&config.data)),
    };
    Ok(StatefulSet {
        metadata: meta::owned(shop, name.clone(), component),
        spec: Some(StatefulSetSpec {
            replicas: Some(shop.running(1)),
            service_name: Some(name),
            // Otherwise a pod that does not get ready would be waited for, also by what would mend it.
            pod_management_policy: Some("Parallel".into()),
            selector: meta::selector(shop, component),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("RollingUpdate".into()),
                ..StatefulSetUpdateStrategy::default()
            }),
            template: template(shop, component, contents)?,
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    })
}

fn container(shop: &Shop, used: &str) -> Container {
    let component = Component::Prometheus;
    let retention = shop.monitoring().prometheus.retention;
    let args = [
        format!("--config.file={CONFIG}/prometheus.yml"),
        format!("--storage.tsdb.path={DATA}"),
        format!("--storage.tsdb.retention.time={retention}"),
        format!("--storage.tsdb.retention.size={used}"),
        format!("--web.external-url={}/prometheus/", shop.link_url()),
        "--web.route-prefix=/prometheus/".into(),
        "--enable-feature=exemplar-storage".into(),
        "--log.format=json".into(),
    ];
    Container {
        args: Some(args.into()),
        env: Some(go_environment(shop, component)),
        ports: Some(vec![pod::port("web", component.port())]),
        volume_mounts: Some(vec![pod::read_only_mount("config", CONFIG), pod::mount("data", DATA)]),
        startup_probe: Some(pod::path_probe("web", "/prometheus/-/ready", 2, 60)),
        readiness_probe: Some(pod::path_probe("web", "/prometheus/-/ready", 5, 3)),
        liveness_probe: Some(pod::path_probe("web", "/prometheus/-/healthy", 10, 6)),
        ..pod::container(shop, component, component)
    }
}
