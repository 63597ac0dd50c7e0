//! One child: looked at only when something about it changed, written only when it differs.

use kube::{
    Api, Resource, ResourceExt,
    api::{DynamicObject, Patch, PatchParams},
};
use serde::Serialize;
use serde_json::Value;
use shopkeeper_plan::digest;

use super::{clash, handover};
use crate::{
    context::Context,
    covers::covers,
    drift,
    error::Error,
    kind::{ChildRef, Kind},
    observed::StoreName,
};

/// The name under which the operator owns fields.
pub const FIELD_MANAGER: &str = "shopkeeper";

/// Annotation with the hash of the plan that was applied last.
pub const APPLIED_HASH: &str = "shopkeeper.dev/applied-hash";

/// A child as it should be.
#[derive(Clone, Debug)]
pub struct Desired {
    /// Which child.
    pub child: ChildRef,
    /// What it should contain.
    pub manifest: Value,
    /// Hash of what it should contain.
    pub hash: u128,
}

impl Desired {
    /// Writes an object as JSON and notes its hash on it.
    pub(super) fn new<K>(object: &K) -> Result<Self, Error>
    where
        K: Resource<DynamicType = ()> + Serialize,
    {
        let unwritable = |source| Error::Unwritable { child: object.name_any(), source };
        let kind: Kind =
            K::kind(&()).parse().map_err(|error: strum::ParseError| unwritable(serde::ser::Error::custom(error)))?;
        let mut manifest = serde_json::to_value(object).map_err(unwritable)?;
        let hash = digest(&manifest);
        manifest["metadata"]["annotations"][APPLIED_HASH] = Value::String(format!("{hash:032x}"));
        let child = ChildRef { kind, namespace: object.namespace().unwrap_or_default(), name: object.name_any() };
        Ok(Self { child, manifest, hash })
    }
}

/// A child as it is found.
pub(super) enum Found {
    /// It is as it should be.
    AsDesired,
    /// It is not there.
    Missing,
    /// It is there, and different.
    Different(Box<DynamicObject>),
}

pub(super) fn api(context: &Context, child: &ChildRef) -> Api<DynamicObject> {
    Api::namespaced_with(context.client.clone(), &child.namespace, &child.kind.resource())
}

/// Looks whether one child is as it should be. It is read only when something about it changed, or was not read for long.
pub(super) async fn look(context: &Context, store: &StoreName, desired: &Desired) -> Result<Found, Error> {
    let Desired { child, manifest, hash } = desired;
    let observed = &context.observed;
    if observed.is_settled(child, *hash, context.settings.reread) {
        return Ok(Found::AsDesired);
    }
    let live = api(context, child).get_opt(&child.name).await;
    match live.map_err(|source| Error::ApplyFailed { child: child.clone(), source: Box::new(source) })? {
        Some(live) if is_as_desired(&live, manifest) => {
            observed.settle(store, child.clone(), *hash, &live);
            Ok(Found::AsDesired)
        }
        Some(live) => Ok(Found::Different(Box::new(live))),
        None => Ok(Found::Missing),
    }
}

/// Applies one child if it differs from what it should be; whether it was written.
#[tracing::instrument(name = "child", skip_all, fields(child = %desired.child))]
pub(super) async fn apply(context: &Context, store: &StoreName, desired: &Desired) -> Result<bool, Error> {
    let Desired { child, manifest, hash } = desired;
    let live = match look(context, store, desired).await? {
        Found::AsDesired => return Ok(false),
        Found::Missing => None,
        Found::Different(live) => Some(live),
    };
    let (observed, api) = (&context.observed, api(context, child));
    let failed = |source| Error::ApplyFailed { child: child.clone(), source: Box::new(source) };
    if let Some(live) = live.as_ref().filter(|_| child.kind == Kind::Deployment) {
        handover::keep_replicas(&api, live, manifest).await.map_err(failed)?;
    }
    // The plan is the one that was applied before, and yet the child differs: somebody else changed it.
    let drifted = observed.was_applied(child, *hash);
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    let applied = match api.patch(&child.name, &parameters, &Patch::Apply(manifest)).await {
        Err(refused) if live.is_some() && clash::is_possible(&refused) => {
            // Where that is refused as well, it was no clash, and the first answer says what is the matter.
            clash::resolve(&api, &child.name, manifest).await.map_err(|_| failed(refused))?
        }
        answer => answer.map_err(failed)?,
    };
    tracing::info!(child = %child, drifted, "applied");
    observed.settle(store, child.clone(), *hash, &applied);
    if drifted {
        drift::report(context, child, &applied).await;
    }
    Ok(true)
}

fn is_as_desired(live: &DynamicObject, manifest: &Value) -> bool {
    // One that is about to go cannot be kept; the API server says so when it is written, and it is made again afterwards.
    serde_json::to_value(live).is_ok_and(|live| covers(&live, manifest))
}
