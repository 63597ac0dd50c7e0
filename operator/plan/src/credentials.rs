//! Credentials of a shop, as they were found in its Secrets.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::Serialize;

use crate::Component;

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// Passwords of the database's roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatabasePasswords {
    /// The superuser of a managed database.
    pub admin: SecretText,
    /// Role of the catalog service.
    pub catalog: SecretText,
    /// Role of the cart service.
    pub cart: SecretText,
    /// Role of the order service.
    pub orders: SecretText,
    /// Role of the user service.
    pub users: SecretText,
}

impl DatabasePasswords {
    /// The password of a service's role.
    pub fn of(&self, service: Component) -> &SecretText {
        match service {
            Component::Catalog => &self.catalog,
            Component::Cart => &self.cart,
            Component::Order => &self.orders,
            Component::User => &self.users,
            _ => &self.admin,
        }
    }
}

/// Everything secret that a shop's objects are made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Credentials {
    /// Passwords of the database's roles.
    pub database: DatabasePasswords,
    /// Password of the database's role that reads its figures and nothing else.
    pub monitor: SecretText,
    /// Password of a managed Redis.
    pub redis: SecretText,
    /// Token by which services know each other.
    pub service_token: SecretText,
    /// Password of Grafana's admin.
    pub grafana: SecretText,
    /// Password of pgAdmin's only user.
    pub pg_admin: SecretText,
    /// Private key that signs access tokens, PEM.
    pub signing_key: SecretText,
    /// Public keys by key id, PEM. Not secret.
    pub public_keys: BTreeMap<String, String>,
    /// When the next step of replacing the signing key may be due.
    pub look_again: Option<Duration>,
}
