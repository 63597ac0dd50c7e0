//! What a service must know and nobody else.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};

use crate::{Component, Found, InvalidUrl, Shop, database, meta};

pub(crate) const DATABASE_URL: &str = "DATABASE_URL";
pub(crate) const REDIS_URL: &str = "REDIS_URL";

/// Name of a service's Secret.
pub(crate) fn service_secret(shop: &Shop, service: Component) -> String {
    shop.child(service)
}

pub(super) fn secret(shop: &Shop, found: &Found, service: Component) -> Result<Secret, InvalidUrl> {
    let entries =
        [(DATABASE_URL, database::service_url(shop, found, service)?), (REDIS_URL, database::redis_url(shop, found)?)];
    let data = entries.into_iter().map(|(key, value)| (key.to_owned(), ByteString(value.reveal().into())));
    Ok(Secret {
        metadata: meta::owned(shop, service_secret(shop, service), service),
        data: Some(data.collect::<BTreeMap<_, _>>()),
        ..Secret::default()
    })
}
