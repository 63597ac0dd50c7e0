//! One service of the shop: what it is told, how it runs, where it is found.

mod autoscaler;
mod deployment;
mod secret;

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        autoscaling::v2::HorizontalPodAutoscaler,
        core::v1::{Secret, Service, ServicePort, ServiceSpec},
        policy::v1::PodDisruptionBudget,
    },
    apimachinery::pkg::util::intstr::IntOrString,
};

use crate::{Component, Found, Shop, Unplannable, budget::budget, meta, pod::OPS_PORT, shop::Scale};

pub(crate) use deployment::rolling;
pub(crate) use secret::{DATABASE_URL, REDIS_URL, service_secret};

/// One service of the shop.
#[derive(Clone, Debug)]
pub struct ServiceParts {
    /// Which service.
    pub component: Component,
    /// Its addresses of database and Redis.
    pub secret: Secret,
    /// The name under which it is found.
    pub service: Service,
    /// Its pods.
    pub deployment: Deployment,
    /// How many pods may go at a time.
    pub budget: Option<PodDisruptionBudget>,
    /// What sets the number of pods.
    pub autoscaler: Option<HorizontalPodAutoscaler>,
}

pub(crate) fn service_parts(
    shop: &Shop,
    found: &Found,
    component: Component,
    scale: Scale,
) -> Result<ServiceParts, Unplannable> {
    let secret = secret::secret(shop, found, component)?;
    let mut service = cluster_service(shop, component);
    add_ops_port(&mut service);
    Ok(ServiceParts {
        component,
        service,
        deployment: deployment::deployment(shop, found, component, scale, &secret)?,
        budget: budget(shop, component, scale.least()),
        // An autoscaler leaves a workload without pods alone, and one that is suspended has nothing to do.
        autoscaler: match scale {
            Scale::Automatic(wanted) if !shop.suspended => Some(autoscaler::autoscaler(shop, component, wanted)),
            Scale::Fixed(_) | Scale::Automatic(_) => None,
        },
        secret,
    })
}

/// Adds the port of profiles, which the gateway passes on to whoever may see them.
pub(crate) fn add_ops_port(service: &mut Service) {
    let ports = service.spec.get_or_insert_default().ports.get_or_insert_default();
    ports.push(service_port("ops", OPS_PORT.into()));
}

/// A port that is called alike in the pod.
pub(crate) fn service_port(name: &str, port: i32) -> ServicePort {
    ServicePort {
        name: Some(name.into()),
        port,
        target_port: Some(IntOrString::String(name.into())),
        protocol: Some("TCP".into()),
        ..ServicePort::default()
    }
}

/// A Service inside the cluster for a component's main port.
pub(crate) fn cluster_service(shop: &Shop, component: Component) -> Service {
    let name = match component {
        Component::Postgres | Component::Redis => component.as_str(),
        _ => "http",
    };
    Service {
        metadata: meta::owned(shop, shop.child(component), component),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".into()),
            selector: Some(meta::selector_labels(shop, component)),
            ports: Some(vec![service_port(name, component.port())]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}
