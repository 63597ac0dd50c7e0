//! Which image a container runs.

use shopkeeper_api::Images;

use crate::Component;

/// Images to use where the Store says nothing: the operator's own settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageDefaults {
    /// Registry of shopkeeper's own images.
    pub registry: String,
    /// Tag of shopkeeper's own images.
    pub tag: String,
    /// Whole reference of the PostgreSQL image.
    pub postgres: String,
    /// Whole reference of the Redis image.
    pub redis: String,
    /// Whole reference of the nginx image.
    pub nginx: String,
    /// Whole references of what watches the shop.
    pub monitoring: MonitoringImages,
}

/// Whole references of what watches the shop. One that is empty cannot be had in this cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MonitoringImages {
    /// Prometheus.
    pub prometheus: String,
    /// Alertmanager.
    pub alertmanager: String,
    /// Grafana.
    pub grafana: String,
    /// Jaeger.
    pub jaeger: String,
    /// What tells figures of Redis.
    pub redis_exporter: String,
    /// What tells figures of PostgreSQL.
    pub postgres_exporter: String,
    /// Locust.
    pub locust: String,
    /// pgAdmin.
    pub pg_admin: String,
    /// Redis Commander.
    pub redis_commander: String,
}

/// The image of a component: named whole in the Store, or else put together. Empty if it cannot be had.
pub(crate) fn image(images: &Images, defaults: &ImageDefaults, component: Component) -> String {
    let digests = images.digests.clone().unwrap_or_default();
    let others = &defaults.monitoring;
    let (named, fallback) = match component {
        Component::Postgres | Component::Backup => (&images.postgres, defaults.postgres.clone()),
        Component::Redis => (&images.redis, defaults.redis.clone()),
        Component::Gateway => (&images.nginx, defaults.nginx.clone()),
        Component::Cart => (&images.cart, own(images, defaults, component, digests.cart)),
        Component::Order => (&images.order, own(images, defaults, component, digests.order)),
        Component::User => (&images.user, own(images, defaults, component, digests.user)),
        Component::GatewayExporter => {
            (&images.gateway_exporter, own(images, defaults, component, digests.gateway_exporter))
        }
        Component::Prometheus => (&images.prometheus, others.prometheus.clone()),
        Component::Alertmanager => (&images.alertmanager, others.alertmanager.clone()),
        Component::Grafana => (&images.grafana, others.grafana.clone()),
        Component::Jaeger => (&images.jaeger, others.jaeger.clone()),
        Component::RedisExporter => (&images.redis_exporter, others.redis_exporter.clone()),
        Component::PostgresExporter => (&images.postgres_exporter, others.postgres_exporter.clone()),
        Component::Locust => (&images.locust, others.locust.clone()),
        Component::PgAdmin => (&images.pg_admin, others.pg_admin.clone()),
        Component::RedisCommander => (&images.redis_commander, others.redis_commander.clone()),
        Component::Catalog | Component::Migrate | Component::Seed | Component::Shop => {
            (&images.catalog, own(images, defaults, Component::Catalog, digests.catalog))
        }
    };
    named.clone().unwrap_or(fallback)
}

fn own(images: &Images, defaults: &ImageDefaults, component: Component, digest: Option<String>) -> String {
    let registry = images.registry.as_ref().unwrap_or(&defaults.registry);
    let tag = images.tag.as_ref().unwrap_or(&defaults.tag);
    let digest = digest.map(|digest| format!("@{digest}")).unwrap_or_default();
    format!("{}/{component}:{tag}{digest}", registry.trim_end_matches('/'))
}

/// The tag of an image reference, or its digest where it has no tag.
pub fn version_of(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    let (named, digest) = name.split_once('@').map_or((name, None), |(named, digest)| (named, Some(digest)));
    named.split_once(':').map(|(_, tag)| tag).or(digest).unwrap_or("latest").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_tag_even_behind_a_port() {
        assert_eq!(version_of("localhost:5000/shop/catalog:v1"), "v1");
        assert_eq!(version_of("localhost:5000/shop/catalog"), "latest");
        assert_eq!(version_of("example.com/catalog@sha256:00ff"), "sha256:00ff");
        assert_eq!(version_of("example.com/catalog:v1@sha256:00ff"), "v1");
    }
}
