//! The parts of a shop and what they are called.

use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// A part of a shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Component {
    /// Products, categories and stock.
    Catalog,
    /// Carts and checkout.
    Cart,
    /// Orders.
    Order,
    /// Accounts.
    User,
    /// The one address of the shop.
    Gateway,
    /// The database.
    Postgres,
    /// The cache.
    Redis,
    /// The Job that brings the database's schemas up to date.
    Migrate,
    /// The Job that makes demo data.
    Seed,
    /// What makes backups of the database, and the volume that they are in.
    Backup,
    /// What collects the shop's figures.
    Prometheus,
    /// What tells people of alerts.
    Alertmanager,
    /// What draws figures.
    Grafana,
    /// What keeps traces.
    Jaeger,
    /// What tells figures of Redis.
    #[strum(serialize = "redis-exporter")]
    RedisExporter,
    /// What tells figures of the database.
    #[strum(serialize = "postgres-exporter")]
    PostgresExporter,
    /// What tells figures of the gateway; it has no pods of its own, but is in the gateway's.
    #[strum(serialize = "gateway-exporter")]
    GatewayExporter,
    /// Customers who are none.
    Locust,
    /// A page to look into the database.
    PgAdmin,
    /// A page to look into Redis.
    #[strum(serialize = "redis-commander")]
    RedisCommander,
    /// What belongs to the shop as a whole.
    Shop,
}

/// The components that are services of our own.
pub const SERVICES: [Component; 4] = [Component::Catalog, Component::Cart, Component::Order, Component::User];

/// The components with pods that watch the shop, or put it to the test; the shop is whole without them.
pub const MONITORING: [Component; 9] = [
    Component::Prometheus,
    Component::Alertmanager,
    Component::Grafana,
    Component::Jaeger,
    Component::RedisExporter,
    Component::PostgresExporter,
    Component::Locust,
    Component::PgAdmin,
    Component::RedisCommander,
];

impl Component {
    /// Whether it watches the shop or puts it to the test, so that the shop is whole without it.
    pub fn is_monitoring(self) -> bool {
        MONITORING.contains(&self)
    }

    /// The word for this component in names and labels.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Where in a Store the part is spoken of.
    pub(crate) const fn spec_path(self) -> &'static str {
        match self {
            Self::Catalog => "spec.services.catalog",
            Self::Cart => "spec.services.cart",
            Self::Order => "spec.services.order",
            Self::User => "spec.services.user",
            Self::Gateway => "spec.gateway",
            Self::Postgres => "spec.database.managed",
            Self::Redis => "spec.redis.managed",
            Self::Migrate | Self::Seed | Self::Backup => "spec.jobs",
            Self::Prometheus => "spec.monitoring.prometheus",
            Self::Alertmanager => "spec.monitoring.alertmanager",
            Self::Grafana => "spec.monitoring.grafana",
            Self::Jaeger => "spec.monitoring.tracing",
            Self::RedisExporter | Self::PostgresExporter | Self::GatewayExporter => "spec.monitoring.exporters",
            Self::Locust => "spec.loadTest",
            Self::PgAdmin => "spec.monitoring.tools.pgAdmin",
            Self::RedisCommander => "spec.monitoring.tools.redisCommander",
            Self::Shop => "spec",
        }
    }

    /// The port on which the component serves.
    pub const fn port(self) -> i32 {
        match self {
            Self::Catalog => 8000,
            Self::Cart => 8001,
            Self::Order => 8002,
            Self::User => 8003,
            Self::Postgres => 5432,
            Self::Redis => 6379,
            Self::Prometheus => 9090,
            Self::Alertmanager => 9093,
            Self::Grafana => 3000,
            Self::Jaeger => 16686,
            Self::RedisExporter => 9121,
            Self::PostgresExporter => 9187,
            Self::GatewayExporter => 9091,
            Self::Locust => 8089,
            Self::RedisCommander => 8081,
            Self::Gateway | Self::PgAdmin | Self::Migrate | Self::Seed | Self::Backup | Self::Shop => 8080,
        }
    }

    /// The database role and schema of a service. `order` and `user` are words of SQL, so their roles are in the plural.
    pub fn role(self) -> &'static str {
        match self {
            Self::Order => "orders",
            Self::User => "users",
            other => other.into(),
        }
    }
}
