//! Reads what a Store refers to.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client};
use shopkeeper_api::{External, Storage, Store};
use shopkeeper_plan::{
    Component, Found, MANAGED_BY, MANAGED_BY_LABEL, PolicyVersion, SERVICES, SecretText, ServiceAddresses, Shop,
    TelegramFound, hash,
};

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
    let (credentials, external_database, external_redis, certificate, secrets, config_maps, telegram) = tokio::try_join!(
        credentials(client, &root_secrets, shop.key_rotation()),
        external(client, &name.namespace, database.as_ref()),
        external(client, &name.namespace, redis.as_ref()),
        certificate(context, name, shop.certificate_secret()),
        hashes(client, &name.namespace, shop.pod_secrets()),
        config_maps(client, &name.namespace, shop.pod_config_maps()),
        telegram(client, &name.namespace, shop.telegram_secret()),
    )?;
    Ok(Found {
        credentials,
        external_database,
        external_redis,
        certificate,
        secrets,
        config_maps,
        operator_namespace: context.settings.operator_namespace.clone(),
        cache_policy: cache_policy(context, shop, name),
        backup_volume: volume(context, name, shop.backup_name()),
        figures_volume: volume(context, name, shop.figures_name()),
        addresses: addresses(context, name),
        telegram,
        prometheus_operator: [Kind::ServiceMonitor, Kind::PrometheusRule]
            .into_iter()
            .all(|kind| context.observed.knows(kind)),
        operator_metrics: context.settings.operator_metrics.clone(),
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

/// Hash of the certificate that the gateway itself serves with, if it does. Until when it is good is noted.
async fn certificate(context: &Context, store: &StoreName, secret: Option<&str>) -> Result<Option<String>, Error> {
    let Some(name) = secret else {
        context.certificates.note(store, None);
        return Ok(None);
    };
    let data = read(&context.client, &store.namespace, name).await?.unwrap_or_default();
    context.certificates.note(store, data.get("tls.crt").map(|chain| chain.0.as_slice()));
    match ["tls.crt", "tls.key"].into_iter().find(|key| !data.contains_key(*key)) {
        Some(key) => Err(Error::SecretMissing { name: name.into(), key: key.into() }),
        None => Ok(Some(hash(&data))),
    }
}

/// What a Secret says of a Telegram chat. One that cannot be used keeps nothing but messages from being made.
async fn telegram(client: &Client, namespace: &str, secret: Option<&str>) -> Result<TelegramFound, Error> {
    let Some(name) = secret else { return Ok(TelegramFound::NotAsked) };
    let data = read(client, namespace, name).await?;
    Ok(data.map_or_else(
        || TelegramFound::Unusable(format!("Secret {name} is not there: make it, with the keys token and chat")),
        |data| chat(name, &data),
    ))
}

fn chat(name: &str, data: &Data) -> TelegramFound {
    let text = |key: &str| {
        let value = data.get(key).and_then(|value| std::str::from_utf8(&value.0).ok()).map(str::trim);
        value.filter(|value| !value.is_empty())
    };
    let unusable = |key: &str, problem: &str| TelegramFound::Unusable(format!("Secret {name}, key {key}: {problem}"));
    let Some(token) = text("token") else { return unusable("token", "write the bot's token") };
    let Some(chat) = text("chat").and_then(|chat| chat.parse().ok()) else {
        return unusable("chat", "write the number of the chat, such as -1001234567890");
    };
    TelegramFound::Chat { token: SecretText::new(token), chat }
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

/// The same of `ConfigMaps`. The operator's own are left out: pods follow those while they run, and cache policies restart nothing.
async fn config_maps(
    client: &Client,
    namespace: &str,
    names: BTreeSet<String>,
) -> Result<BTreeMap<String, String>, Error> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let mut hashes = BTreeMap::new();
    for name in names {
        let found = api.get_opt(&name).await;
        let found = found.map_err(|source| Error::ConfigMapAccess { name: name.clone(), source: Box::new(source) })?;
        if let Some(found) = found.filter(|it| !is_ours(it)) {
            hashes.insert(name, hash(&(&found.data, &found.binary_data)));
        }
    }
    Ok(hashes)
}

fn is_ours(config_map: &ConfigMap) -> bool {
    let label = config_map.metadata.labels.as_ref().and_then(|labels| labels.get(MANAGED_BY_LABEL));
    label.is_some_and(|manager| manager == MANAGED_BY)
}

/// The version of the cache policies that were written last: as is remembered, or as is found there after a start.
fn cache_policy(context: &Context, shop: &Shop, store: &StoreName) -> Option<PolicyVersion> {
    let child = ChildRef { kind: Kind::ConfigMap, namespace: store.namespace.clone(), name: shop.cache_policy_name() };
    context.policies.wanted(store).or_else(|| context.observed.get(&child)?.cache_policy.map(|version| *version))
}

/// A volume, as the watch last saw it. One that is about to go is as good as gone.
fn volume(context: &Context, store: &StoreName, name: String) -> Option<Storage> {
    let child = ChildRef { kind: Kind::PersistentVolumeClaim, namespace: store.namespace.clone(), name };
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

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::ByteString;

    fn data(entries: &[(&str, &str)]) -> Data {
        entries.iter().map(|(key, value)| ((*key).to_owned(), ByteString((*value).into()))).collect()
    }

    #[test]
    fn a_chat_is_a_token_and_a_number_with_or_without_a_line_end() {
        let found = chat("telegram", &data(&[("token", "1:abc\n"), ("chat", "-100123\n")]));
        assert_eq!(found, TelegramFound::Chat { token: SecretText::new("1:abc"), chat: -100_123 });
    }

    #[test]
    fn what_is_missing_is_named_without_showing_the_token() {
        for (entries, expected) in [
            (&[("chat", "1")][..], "key token"),
            (&[("token", "1:secret")][..], "key chat"),
            (&[("token", "1:secret"), ("chat", "@shop")][..], "the number of the chat"),
        ] {
            let TelegramFound::Unusable(why) = chat("telegram", &data(entries)) else { panic!("{entries:?}") };
            assert!(why.contains(expected) && !why.contains("secret"), "{why}");
        }
    }
}
