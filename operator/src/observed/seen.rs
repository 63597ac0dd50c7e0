//! What the watches tell of one child.

use std::sync::Arc;

use kube::core::DynamicObject;
use shop_policy::DOCUMENT_FILE;
use shopkeeper_api::Store;
use shopkeeper_plan::{INSTANCE_LABEL, PolicyVersion};

use super::StoreName;
use crate::{
    fingerprint::fingerprint,
    health::{Health, health},
    kind::{ChildRef, Kind},
};

/// What is known of one child.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Which incarnation it is.
    pub uid: Box<str>,
    /// Version of it that was seen.
    pub version: u64,
    /// Hash of its content.
    pub fingerprint: u128,
    /// What it belongs to.
    pub family: Option<Arc<Family>>,
    /// How it is.
    pub health: Health,
    /// A Service's address.
    pub address: Option<Box<str>>,
    /// Version of the cache policies in a ConfigMap, if it is a sound document of them.
    pub cache_policy: Option<Box<PolicyVersion>>,
    /// Whether it is about to go.
    pub going: bool,
}

/// What a child belongs to. There are many children of few Stores, so that theirs share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Family {
    /// The Store.
    pub store: StoreName,
    /// Its uid, if it owns the child.
    pub owner_uid: Option<Box<str>>,
}

pub(super) fn child_ref(kind: Kind, object: &DynamicObject) -> ChildRef {
    ChildRef {
        kind,
        namespace: object.metadata.namespace.clone().unwrap_or_default(),
        name: object.metadata.name.clone().unwrap_or_default(),
    }
}

/// Versions of one object can be compared as numbers.
pub(super) fn version(object: &DynamicObject) -> u64 {
    object.metadata.resource_version.as_ref().and_then(|version| version.parse().ok()).unwrap_or_default()
}

/// What a child belongs to: the Store that owns it, or the one that it is labelled with.
pub(super) fn family(object: &DynamicObject) -> Option<Family> {
    let metadata = &object.metadata;
    let store_kind = <Store as kube::Resource>::kind(&());
    let owner = metadata.owner_references.iter().flatten().find(|owner| owner.kind == store_kind);
    let labelled = metadata.labels.as_ref().and_then(|labels| labels.get(INSTANCE_LABEL));
    let name = owner.map(|owner| &owner.name).or(labelled)?.clone();
    let namespace = metadata.namespace.clone().unwrap_or_default();
    let owner_uid = owner.map(|owner| owner.uid.as_str().into());
    Some(Family { store: StoreName { namespace, name }, owner_uid })
}

/// What is to be known of it.
pub(super) fn seen(kind: Kind, object: &DynamicObject, family: Option<Arc<Family>>) -> Seen {
    let metadata = &object.metadata;
    let address = object.data["spec"]["clusterIP"].as_str().filter(|_| kind == Kind::Service);
    let document = object.data["data"][DOCUMENT_FILE].as_str().filter(|_| kind == Kind::ConfigMap);
    Seen {
        uid: metadata.uid.as_deref().unwrap_or_default().into(),
        version: version(object),
        fingerprint: fingerprint(object),
        family,
        health: health(kind, object),
        address: address.map(Into::into),
        cache_policy: document.and_then(PolicyVersion::of).map(Box::new),
        going: metadata.deletion_timestamp.is_some(),
    }
}
