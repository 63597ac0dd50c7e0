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
    /// What belongs to the shop as a whole.
    Shop,
}

/// The components that are services of our own.
pub const SERVICES: [Component; 4] = [Component::Catalog, Component::Cart, Component::Order, Component::User];

impl Component {
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
            Self::Gateway | Self::Migrate | Self::Seed | Self::Backup | Self::Shop => 8080,
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
