//! Images of what watches shops.

use clap::Args;
use shopkeeper_plan::MonitoringImages;

/// Images of what watches shops, where a Store names none. One that is empty cannot be had in this cluster: the part is left out.
#[derive(Clone, Debug, Args)]
pub struct MonitoringImageArgs {
    /// Prometheus image, where a Store names none; empty if there is none in this cluster
    #[arg(long, env = "DEFAULT_PROMETHEUS_IMAGE", default_value = "docker.io/prom/prometheus:v3.13.1")]
    pub default_prometheus_image: String,
    /// Alertmanager image, likewise
    #[arg(long, env = "DEFAULT_ALERTMANAGER_IMAGE", default_value = "docker.io/prom/alertmanager:v0.34.2")]
    pub default_alertmanager_image: String,
    /// Grafana image, likewise
    #[arg(long, env = "DEFAULT_GRAFANA_IMAGE", default_value = "docker.io/grafana/grafana:13.1.0")]
    pub default_grafana_image: String,
    /// Jaeger image, likewise
    #[arg(long, env = "DEFAULT_JAEGER_IMAGE", default_value = "quay.io/jaegertracing/jaeger:2.19.0")]
    pub default_jaeger_image: String,
    /// Image of what tells figures of Redis, likewise
    #[arg(long, env = "DEFAULT_REDIS_EXPORTER_IMAGE", default_value = "docker.io/oliver006/redis_exporter:v1.89.0")]
    pub default_redis_exporter_image: String,
    /// Image of what tells figures of PostgreSQL, likewise
    #[arg(
        long,
        env = "DEFAULT_POSTGRES_EXPORTER_IMAGE",
        default_value = "quay.io/prometheuscommunity/postgres-exporter:v0.20.1"
    )]
    pub default_postgres_exporter_image: String,
    /// Locust image, likewise
    #[arg(long, env = "DEFAULT_LOCUST_IMAGE", default_value = "docker.io/locustio/locust:2.47.0")]
    pub default_locust_image: String,
    /// pgAdmin image, likewise
    #[arg(long, env = "DEFAULT_PG_ADMIN_IMAGE", default_value = "docker.io/dpage/pgadmin4:9")]
    pub default_pg_admin_image: String,
    /// Redis Commander image, likewise
    #[arg(long, env = "DEFAULT_REDIS_COMMANDER_IMAGE", default_value = "ghcr.io/joeferner/redis-commander:0.9.1")]
    pub default_redis_commander_image: String,
}

impl MonitoringImageArgs {
    /// The same as the plan takes them.
    pub fn images(&self) -> MonitoringImages {
        MonitoringImages {
            prometheus: self.default_prometheus_image.clone(),
            alertmanager: self.default_alertmanager_image.clone(),
            grafana: self.default_grafana_image.clone(),
            jaeger: self.default_jaeger_image.clone(),
            redis_exporter: self.default_redis_exporter_image.clone(),
            postgres_exporter: self.default_postgres_exporter_image.clone(),
            locust: self.default_locust_image.clone(),
            pg_admin: self.default_pg_admin_image.clone(),
            redis_commander: self.default_redis_commander_image.clone(),
        }
    }
}
