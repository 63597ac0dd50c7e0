//! Jobs: they run once for each different content, since a Job cannot be changed.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    batch::v1::{Job, JobSpec},
    core::v1::{Container, EnvVar},
};

use crate::{
    Component, InvalidStore, Shop,
    hash::short_hash,
    meta,
    pod::{self, CONFIG_HASH, PodParts},
};

/// A Job whose name tells its content. `inputs` is what it works with besides its own text, such as passwords.
pub(crate) fn job(
    shop: &Shop,
    component: Component,
    containers: Vec<Container>,
    inputs: String,
) -> Result<Job, InvalidStore> {
    let spec = JobSpec {
        backoff_limit: Some(4),
        active_deadline_seconds: Some(600),
        template: pod::template(
            shop,
            PodParts {
                component,
                containers,
                volumes: Vec::new(),
                annotations: BTreeMap::from([(CONFIG_HASH.into(), inputs)]),
                grace_seconds: 10,
                restart_policy: Some("Never"),
            },
        )?,
        ..JobSpec::default()
    };
    let name = format!("{}-{}", shop.child(component), short_hash(&spec));
    // Whether it runs is not part of what it is.
    let spec = JobSpec { suspend: shop.suspended.then_some(true), ..spec };
    Ok(Job { metadata: meta::owned(shop, name, component), spec: Some(spec), ..Job::default() })
}

/// A container that runs one command of a service and ends.
pub(crate) fn step(shop: &Shop, job: Component, service: Component, command: &[&str], env: Vec<EnvVar>) -> Container {
    Container {
        args: Some(command.iter().map(ToString::to_string).collect()),
        env: Some(env),
        ..pod::container(shop, service, job)
    }
}
