//! The two Secrets that are generated once and then belong to the cluster, not to the plan.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{
    Component, Shop,
    database::{credentials_secret, passwords_secret},
    meta,
};

/// Metadata of the Secrets with generated credentials.
#[derive(Clone, Debug)]
pub struct RootSecretsMeta {
    /// Passwords of the database's roles.
    pub database: ObjectMeta,
    /// Everything else.
    pub others: ObjectMeta,
}

impl Shop {
    /// Metadata of the Secrets with generated credentials.
    ///
    /// They go with the Store even when its volume stays: the database takes its password from the Secret at every start,
    /// so a new Store of the same name gets in with new ones.
    pub fn root_secrets(&self) -> RootSecretsMeta {
        RootSecretsMeta {
            database: meta::owned(self, passwords_secret(&self.name), Component::Postgres),
            others: meta::owned(self, credentials_secret(&self.name), Component::Shop),
        }
    }
}
