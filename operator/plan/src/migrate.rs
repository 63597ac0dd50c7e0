//! The Job that brings the database's roles and schemas to what the services' images need.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::{batch::v1::Job, core::v1::Secret},
};

use crate::{
    Component, Found, SERVICES, Shop, Unplannable, database,
    hash::hash,
    job::{job, step},
    meta, pod,
    service::{DATABASE_URL, service_secret},
};

const ADMIN_URL: &str = "ADMIN_DATABASE_URL";

/// The migration of all four schemas.
#[derive(Clone, Debug)]
pub struct MigrateParts {
    /// The URL with the rights to make roles, which no service sees.
    pub secret: Secret,
    /// The Job; its name changes with its content.
    pub job: Job,
}

pub(crate) fn migrate(shop: &Shop, found: &Found) -> Result<MigrateParts, Unplannable> {
    let component = Component::Migrate;
    let name = shop.child(component);
    let url = database::admin_url(shop, found)?;
    let env = |service| {
        vec![
            pod::secret_env(DATABASE_URL, &service_secret(shop, service), DATABASE_URL),
            pod::secret_env(ADMIN_URL, &name, ADMIN_URL),
            pod::env("LOG_FORMAT", "json"),
        ]
    };
    let containers = SERVICES.into_iter().map(|service| step(shop, component, service, &["migrate"], env(service)));
    // The Job sets the roles' passwords, so it runs again when one of them is another.
    let inputs = hash(&(&found.credentials.database, &url));
    Ok(MigrateParts {
        job: job(shop, component, containers.collect(), inputs)?,
        secret: Secret {
            metadata: meta::owned(shop, name.clone(), component),
            data: Some(BTreeMap::from([(ADMIN_URL.into(), ByteString(url.reveal().into()))])),
            ..Secret::default()
        },
    })
}
