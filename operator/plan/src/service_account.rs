//! The account that all pods of a shop run under. It has no rights and no token is mounted.

use k8s_openapi::api::core::v1::ServiceAccount;

use crate::{Component, Shop, meta};

pub(crate) fn service_account(shop: &Shop) -> ServiceAccount {
    ServiceAccount {
        metadata: meta::owned(shop, shop.name.clone(), Component::Shop),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
