//! Which image a container runs.

use shopkeeper_api::Images;

use crate::Component;

/// The registry of images whose name begins with none.
const DOCKER: &str = "docker.io";

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

/// The image of a component: named whole in the Store, or else put together, and then had from the Store's mirror if it has one. Empty if it
/// cannot be had.
pub(crate) fn image(images: &Images, defaults: &ImageDefaults, component: Component) -> String {
    let digests = images.digests.clone().unwrap_or_default();
    let others = &defaults.monitoring;
    let upstream = |whole: &str| from_mirror(images, whole.to_owned());
    let (named, fallback) = match component {
        Component::Postgres | Component::Backup => (&images.postgres, upstream(&defaults.postgres)),
        Component::Redis => (&images.redis, upstream(&defaults.redis)),
        Component::Gateway => (&images.nginx, upstream(&defaults.nginx)),
        Component::Cart => (&images.cart, own(images, defaults, component, digests.cart)),
        Component::Order => (&images.order, own(images, defaults, component, digests.order)),
        Component::User => (&images.user, own(images, defaults, component, digests.user)),
        Component::GatewayExporter => {
            (&images.gateway_exporter, own(images, defaults, component, digests.gateway_exporter))
        }
        Component::Prometheus => (&images.prometheus, upstream(&others.prometheus)),
        Component::Alertmanager => (&images.alertmanager, upstream(&others.alertmanager)),
        Component::Grafana => (&images.grafana, upstream(&others.grafana)),
        Component::Jaeger => (&images.jaeger, upstream(&others.jaeger)),
        Component::RedisExporter => (&images.redis_exporter, upstream(&others.redis_exporter)),
        Component::PostgresExporter => (&images.postgres_exporter, upstream(&others.postgres_exporter)),
        Component::Locust => (&images.locust, upstream(&others.locust)),
        Component::PgAdmin => (&images.pg_admin, upstream(&others.pg_admin)),
        Component::RedisCommander => (&images.redis_commander, upstream(&others.redis_commander)),
        Component::Catalog | Component::Migrate | Component::Seed | Component::Shop => {
            (&images.catalog, own(images, defaults, Component::Catalog, digests.catalog))
        }
    };
    named.clone().unwrap_or(fallback)
}

/// An image of our own. A registry that the Store names is taken as it is.
fn own(images: &Images, defaults: &ImageDefaults, component: Component, digest: Option<String>) -> String {
    let tag = images.tag.as_ref().unwrap_or(&defaults.tag);
    let digest = digest.map(|digest| format!("@{digest}")).unwrap_or_default();
    let within = |registry: &str| format!("{}/{component}:{tag}{digest}", registry.trim_end_matches('/'));
    match &images.registry {
        Some(registry) => within(registry),
        None => from_mirror(images, within(&defaults.registry)),
    }
}

/// The same image, from the Store's mirror if it has one.
fn from_mirror(images: &Images, image: String) -> String {
    match &images.mirror {
        Some(mirror) if !image.is_empty() => format!("{mirror}/{}", without_registry(&image)),
        _ => image,
    }
}

/// What follows the registry in the name of an image, with what Docker lets people leave out: mirrors keep images under their full names.
fn without_registry(image: &str) -> String {
    let (registry, rest) = match image.split_once('/') {
        Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) => (first, rest),
        _ => (DOCKER, image),
    };
    if registry == DOCKER && !rest.contains('/') { format!("library/{rest}") } else { rest.to_owned() }
}

/// Whether it is the address of a registry, perhaps with a path: nothing that would make it part of another name.
pub(crate) fn is_registry(text: &str) -> bool {
    let word = |text: &str, signs: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || signs.contains(c);
        let outer = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        text.chars().all(inner) && text.starts_with(outer) && text.ends_with(outer)
    };
    let mut parts = text.split('/');
    let address = parts.next().unwrap_or_default();
    let (host, port) = address.split_once(':').map_or((address, None), |(host, port)| (host, Some(port)));
    // Docker takes a first word with neither a dot nor a port for a part of its own registry.
    let is_address = host == "localhost" || host.contains('.') || port.is_some();
    // A number may have a sign and zeros in front of it, and a port may not.
    let is_port = |port: &str| port.len() <= 5 && word(port, "") && port.parse::<u16>().is_ok();
    is_address
        && host.split('.').all(|part| word(part, "-"))
        && port.is_none_or(is_port)
        && parts.all(|part| word(part, "._-"))
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

    #[test]
    fn a_mirror_stands_in_the_place_of_the_registry_and_of_nothing_else() {
        let images = Images { mirror: Some("mirror.example.com:5000/up".into()), ..Images::default() };
        for (image, expected) in [
            ("docker.io/library/postgres:17", "library/postgres:17"),
            ("docker.io/postgres:17", "library/postgres:17"),
            ("postgres:17@sha256:00ff", "library/postgres:17@sha256:00ff"),
            ("prom/prometheus:v3", "prom/prometheus:v3"),
            ("quay.io/jaegertracing/jaeger@sha256:00ff", "jaegertracing/jaeger@sha256:00ff"),
            ("localhost:5000/shop/catalog:v1", "shop/catalog:v1"),
            ("localhost/catalog:v1", "catalog:v1"),
            ("registry.example.com/catalog", "catalog"),
        ] {
            assert_eq!(from_mirror(&images, image.into()), format!("mirror.example.com:5000/up/{expected}"), "{image}");
            assert_eq!(from_mirror(&Images::default(), image.into()), image);
        }
        assert_eq!(from_mirror(&images, String::new()), "", "what cannot be had cannot be had from a mirror");
    }

    #[test]
    fn a_registry_is_told_from_what_is_none() {
        for registry in
            ["mirror.example.com", "localhost", "registry:5000", "10.0.0.1:5000/a/b-c/d_e", "m.example.com/x"]
        {
            assert!(is_registry(registry), "{registry}");
        }
        for none in [
            "",
            "mirror",
            "https://mirror.example.com",
            "mirror.example.com/",
            "mirror.example.com/x:1",
            "a.b/x@sha256:0",
            "Mirror.example.com",
            "mirror..com",
            "mirror.example.com:",
            "mirror.example.com:70000",
            "mirror.example.com:+80",
            "mirror.example.com:000080",
            "http://localhost:5000",
            "localhost:5000/",
            "localhost:5000/x:1",
            " mirror.example.com",
            "mirror.example.com\n",
            "a.b//c",
            "a.b/-c",
            "a b.c",
        ] {
            assert!(!is_registry(none), "{none}");
        }
    }
}
