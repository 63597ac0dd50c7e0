//! Names, labels and ownership of the children.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use kube::Resource;
use shopkeeper_api::{ExtraMetadata, Store, is_own_key};

use crate::{Component, InvalidStore, Shop};

/// Label that names the component.
pub const NAME_LABEL: &str = "app.kubernetes.io/name";
/// Label that names the Store.
pub const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";
/// Label that names the operator.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Value of [`MANAGED_BY_LABEL`] on everything that the operator made.
pub const MANAGED_BY: &str = "shopkeeper";

pub(crate) type Labels = BTreeMap<String, String>;

/// Labels by which pods are found. They never change, as selectors cannot.
pub(crate) fn selector_labels(shop: &Shop, component: Component) -> Labels {
    Labels::from([(NAME_LABEL.into(), component.to_string()), (INSTANCE_LABEL.into(), shop.name.clone())])
}

pub(crate) fn labels(shop: &Shop, component: Component) -> Labels {
    let mut labels = selector_labels(shop, component);
    labels.insert("app.kubernetes.io/component".into(), component.to_string());
    labels.insert("app.kubernetes.io/part-of".into(), "shopkeeper".into());
    labels.insert(MANAGED_BY_LABEL.into(), MANAGED_BY.into());
    labels
}

pub(crate) fn selector(shop: &Shop, component: Component) -> LabelSelector {
    selecting(&selector_labels(shop, component))
}

pub(crate) fn selecting(labels: &Labels) -> LabelSelector {
    LabelSelector { match_labels: Some(labels.clone()), ..LabelSelector::default() }
}

/// Checks labels and annotations of a Store, in case they slipped past the API server.
pub(crate) fn check_extra(path: &str, extra: &ExtraMetadata) -> Result<(), InvalidStore> {
    let ExtraMetadata { labels, annotations } = extra;
    match labels.keys().chain(annotations.keys()).find(|key| !is_own_key(key)) {
        Some(key) => Err(InvalidStore::ReservedKey { path: path.to_owned(), key: key.clone() }),
        None => Ok(()),
    }
}

/// Adds labels and annotations of a Store. What is there already stays.
pub(crate) fn add_extra(metadata: &mut ObjectMeta, extra: &ExtraMetadata) {
    let ExtraMetadata { labels, annotations } = extra;
    for (there, added) in [(&mut metadata.labels, labels), (&mut metadata.annotations, annotations)] {
        for (key, value) in added {
            there.get_or_insert_default().entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// Metadata of a child that goes with the Store.
pub(crate) fn owned(shop: &Shop, name: String, component: Component) -> ObjectMeta {
    ObjectMeta { owner_references: Some(vec![owner(shop)]), ..unowned(shop, name, component) }
}

/// Metadata of a child that outlives the Store.
pub(crate) fn unowned(shop: &Shop, name: String, component: Component) -> ObjectMeta {
    let mut metadata = ObjectMeta {
        name: Some(name),
        namespace: Some(shop.namespace.clone()),
        labels: Some(labels(shop, component)),
        ..ObjectMeta::default()
    };
    add_extra(&mut metadata, &shop.extra);
    metadata
}

fn owner(shop: &Shop) -> OwnerReference {
    OwnerReference {
        api_version: Store::api_version(&()).into_owned(),
        kind: Store::kind(&()).into_owned(),
        name: shop.name.clone(),
        uid: shop.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}
