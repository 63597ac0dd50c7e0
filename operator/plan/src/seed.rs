//! The Job that makes demo data. Running it twice changes nothing.

use k8s_openapi::api::batch::v1::Job;
use shopkeeper_api::Demo;

use crate::{
    Component, InvalidStore, Shop,
    job::{job, step},
    pod,
    service::{DATABASE_URL, service_secret},
};

pub(crate) fn seed(shop: &Shop, demo: Demo) -> Result<Job, InvalidStore> {
    let component = Component::Seed;
    let env = |service| {
        vec![
            pod::secret_env(DATABASE_URL, &service_secret(shop, service), DATABASE_URL),
            pod::env("LOG_FORMAT", "json"),
        ]
    };
    let products = demo.products.to_string();
    let mut containers = Vec::new();
    if demo.products > 0 {
        let command = ["seed", "--products", &products];
        containers.push(step(shop, component, Component::Catalog, &command, env(Component::Catalog)));
    }
    if demo.users {
        containers.push(step(shop, component, Component::User, &["seed"], env(Component::User)));
    }
    job(shop, component, containers, String::from("1"))
}
