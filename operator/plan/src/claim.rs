//! Volumes: objects of their own, which outlive what uses them.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, Volume,
        VolumeResourceRequirements,
    },
    apimachinery::pkg::api::resource::Quantity,
};
use shopkeeper_api::{DataRetention, Storage};

use crate::{Component, Shop, meta};

/// The volume of a component. It has an owner only when it is to go with the Store.
pub(crate) fn claim(shop: &Shop, component: Component, storage: &Storage) -> PersistentVolumeClaim {
    match shop.retention {
        DataRetention::Retain => PersistentVolumeClaim {
            metadata: meta::unowned(shop, shop.child(component), component),
            ..owned_claim(shop, component, storage)
        },
        DataRetention::Delete => owned_claim(shop, component, storage),
    }
}

/// The volume of a component that nobody misses when the Store is gone.
pub(crate) fn owned_claim(shop: &Shop, component: Component, storage: &Storage) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: meta::owned(shop, shop.child(component), component),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".into()]),
            storage_class_name: storage.storage_class_name.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".into(), Quantity(storage.size.to_string()))])),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    }
}

/// The volume that is asked for. One that is there keeps its class and is never made smaller, which the API server would refuse: it may have been
/// asked for no more and then again, or another Store may have left it.
pub(crate) fn kept(asked: Storage, there: Option<&Storage>) -> Storage {
    let Some(Storage { size, storage_class_name }) = there else { return asked };
    Storage {
        size: if size.millis() > asked.size.millis() { size.clone() } else { asked.size },
        storage_class_name: storage_class_name.clone().or(asked.storage_class_name),
    }
}

/// The same, as a pod mounts it.
pub(crate) fn claimed(shop: &Shop, component: Component, name: &str) -> Volume {
    Volume {
        name: name.into(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: shop.child(component),
            read_only: None,
        }),
        ..Volume::default()
    }
}
