//! A Store as the plugin reads it. Leniently: of the spec only what is asked for here, so that an older plugin reads a newer Store, and one
//! that the operator itself cannot read.

use kube::{
    ResourceExt,
    api::{ApiResource, DynamicObject},
};
use serde::Deserialize as _;
use serde_json::Value;
use shopkeeper_api::{PAUSED_ANNOTATION, Store, StoreStatus};

use crate::error::Error;

/// How the API server calls Stores.
pub(crate) fn resource() -> ApiResource {
    ApiResource::erase::<Store>(&())
}

/// A Store.
#[derive(Clone, Debug)]
pub(crate) struct Seen(pub(crate) DynamicObject);

impl Seen {
    pub(crate) fn name(&self) -> String {
        self.0.name_any()
    }

    pub(crate) fn namespace(&self) -> String {
        self.0.namespace().unwrap_or_default()
    }

    /// Whether the operator is asked to leave it alone.
    pub(crate) fn is_paused(&self) -> bool {
        self.0.annotations().get(PAUSED_ANNOTATION).is_some_and(|value| value == "true")
    }

    /// Whether nothing of it is to run.
    pub(crate) fn is_suspended(&self) -> bool {
        self.0.data.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or_default()
    }

    /// Whether `CloudNativePG` runs its database.
    pub(crate) fn has_cluster(&self) -> bool {
        self.0.data.pointer("/spec/database/cloudNativePg").is_some_and(|asked| !asked.is_null())
    }

    /// Whether an object was made for it, and not for another one of this name.
    pub(crate) fn owns(&self, object: &impl ResourceExt) -> bool {
        let own = self.0.metadata.uid.as_deref();
        own.is_some_and(|uid| object.owner_references().iter().any(|owner| owner.uid == uid))
    }

    /// What the operator says of it, if it has said anything.
    pub(crate) fn status(&self) -> Result<Option<StoreStatus>, Error> {
        let status = self.0.data.get("status").filter(|status| !status.is_null());
        let unreadable = |source| Error::Unreadable { name: self.name(), source };
        status.map(StoreStatus::deserialize).transpose().map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(object: Value) -> Seen {
        Seen(serde_json::from_value(object).unwrap())
    }

    #[test]
    fn a_store_of_a_newer_version_is_read_as_far_as_it_is_known() {
        let store = seen(json!({
            "metadata": {"name": "demo", "namespace": "shop", "annotations": {"shopkeeper.dev/paused": "true"}},
            "spec": {"suspend": true, "teleport": {"to": "mars"}},
            "status": {"hitRatio": "0.93", "mood": "good"},
        }));
        assert!(store.is_paused() && store.is_suspended());
        assert_eq!(store.status().unwrap().unwrap().hit_ratio.as_deref(), Some("0.93"));
    }

    #[test]
    fn a_store_that_nobody_has_looked_at_has_no_status() {
        let store = seen(json!({"metadata": {"name": "demo", "annotations": {"shopkeeper.dev/paused": "false"}}}));
        assert!(!store.is_paused() && !store.is_suspended());
        assert_eq!(store.status().unwrap(), None);
    }

    #[test]
    fn a_status_that_cannot_be_read_is_said_to_be_so() {
        let store = seen(json!({"metadata": {"name": "demo"}, "status": {"conditions": "fine"}}));
        let error = store.status().unwrap_err().to_string();
        assert!(error.contains("Store demo") && error.contains("the plugin of the operator's version"), "{error}");
    }
}
