//! The public keys with which services check access tokens.

use k8s_openapi::api::core::v1::ConfigMap;

use crate::{Component, Found, Shop, meta};

pub(crate) fn name(shop: &Shop) -> String {
    format!("{}-auth-keys", shop.name)
}

/// One file for each key: `<key id>.pem`. Nothing in here is secret.
pub(crate) fn auth_keys(shop: &Shop, found: &Found) -> ConfigMap {
    let files = found.credentials.public_keys.iter().map(|(id, pem)| (format!("{id}.pem"), pem.clone()));
    ConfigMap {
        metadata: meta::owned(shop, name(shop), Component::User),
        data: Some(files.collect()),
        ..ConfigMap::default()
    }
}
