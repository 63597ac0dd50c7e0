//! Reads what a Store refers to.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use shopkeeper_api::{External, Storage, Store};
use shopkeeper_plan::{Component, Found, PolicyVersion, SERVICES, SecretText, ServiceAddresses, Shop, hash};

use crate::{
    context::Context,
    credentials::{Data, credentials},
    error::Error,
    health::Health,
    kind::{ChildRef, Kind},
    observed::StoreName,
};

/// Reads what a Store refers to. Credentials that are not there are made.
pub async fn dereference(context: &Context, store: &Store, shop: &Shop, name: &StoreName) -> Result<Found, Error> {
    let client = &context.client;
    let (database, redis) = (store.spec.database().external, store.spec.redis().external);
    let root_secrets = shop.root_secrets();
    let (credentials, external_database, external_redis, certificate, secrets) = tokio::try_join!(
        credentials(client, &root_secrets, shop.key_rotation()),
        external(client, &name.namespace, database.as_ref()),
        external(client, &name.namespace, redis.as_ref()),
        certificate(client, &name.namespace, shop.certificate_secret()),
        hashes(client, &name.namespace, shop.pod_secrets()),
    )?;
    Ok(Found {
        credentials,
        external_database,
        external_redis,
        certificate,
        secrets,
        operator_namespace: context.settings.operator_namespace.clone(),
        cache_policy: cache_policy(context, shop, name),
        backup_volume: backup_volume(context, shop, name),
        addresses: addresses(context, name),
    })
}

async fn external(client: &Client, namespace: &str, external: Option<&External>) -> Result<Option<SecretText>, Error> {
    let Some(External { secret_ref }) = external else { return Ok(None) };
    let (name, key) = (secret_ref.name.clone(), secret_ref.key.clone());
    let value = read(client, namespace, &name).await?.and_then(|mut data| data.remove(&key));
    let value = value.ok_or_else(|| Error::SecretMissing { name: name.clone(), key: key.clone() })?;
    let text = String::from_utf8(value.0).map_err(|_| Error::SecretUnusable {
        name,
        key,
        problem: "it is not text".into(),
    })?;
    Ok(Some(SecretText::new(text.trim())))
}

/// What a Secret has in it, if it is there.
async fn read(client: &Client, namespace: &str, name: &str) -> Result<Option<Data>, Error> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let secret = secrets.get_opt(name).await;
    let secret = secret.map_err(|source| Error::SecretAccess { name: name.into(), source: Box::new(source) })?;
    Ok(secret.map(|secret| secret.data.unwrap_or_default()))
}

/// Hash of the certificate that the gateway itself serves with, if it does.
async fn certificate(client: &Client, namespace: &str, secret: Option<&str>) -> Result<Option<String>, Error> {
    let Some(name) = secret else { return Ok(None) };
    let data = read(client, namespace, name).await?.unwrap_or_default();
    match ["tls.crt", "tls.key"].into_iter().find(|key| !data.contains_key(*key)) {
        Some(key) => Err(Error::SecretMissing { name: name.into(), key: key.into() }),
        None => Ok(Some(hash(&data))),
    }
}

/// Hashes of Secrets that pods are made with; a pod waits by itself for one that is not there.
async fn hashes(client: &Client, namespace: &str, names: BTreeSet<String>) -> Result<BTreeMap<String, String>, Error> {
    let mut hashes = BTreeMap::new();
    for name in names {
        if let Some(data) = read(client, namespace, &name).await? {
            hashes.insert(name, hash(&data));
        }
    }
    Ok(hashes)
}

/// The version of the cache policies that were written last: as is remembered, or as is found there after a start.
fn cache_policy(context: &Context, shop: &Shop, store: &StoreName) -> Option<PolicyVersion> {
    let child = ChildRef { kind: Kind::ConfigMap, namespace: store.namespace.clone(), name: shop.cache_policy_name() };
    context.policies.wanted(store).or_else(|| context.observed.get(&child)?.cache_policy)
}

/// The volume of the backups, as the watch last saw it. One that is about to go is as good as gone.
fn backup_volume(context: &Context, shop: &Shop, store: &StoreName) -> Option<Storage> {
    let child =
        ChildRef { kind: Kind::PersistentVolumeClaim, namespace: store.namespace.clone(), name: shop.backup_name() };
    match context.observed.get(&child).filter(|seen| !seen.going)?.health {
        Health::Volume(storage) => Some(*storage),
        _ => None,
    }
}

/// Addresses of the services' Services, as the watch last saw them.
fn addresses(context: &Context, store: &StoreName) -> ServiceAddresses {
    let address = |service: Component| {
        let child = ChildRef {
            kind: Kind::Service,
            namespace: store.namespace.clone(),
            name: format!("{}-{service}", store.name),
        };
        Some((service, context.observed.get(&child)?.address?.into()))
    };
    SERVICES.into_iter().filter_map(address).collect()
}
