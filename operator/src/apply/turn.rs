//! Whether pods of a shop that nobody has changed may be replaced now, and what is done of it until then.

use std::collections::BTreeSet;

use futures::{FutureExt, StreamExt, stream};
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::Value;
use shopkeeper_api::Store;

use super::{
    CHILDREN_AT_ONCE, Desired, Waves,
    child::{self, FIELD_MANAGER},
    wave,
};
use crate::{
    context::Context,
    covers::covers,
    error::Error,
    kind::{ChildRef, Kind},
    observed::StoreName,
    turns::{Turn, Wish},
};

/// Whether a Store has to wait for its turn. One that does is given what it needs meanwhile.
pub(super) async fn waits(
    context: &Context,
    (name, store): (&StoreName, &Store),
    wish: Wish,
    is_suspended: bool,
    waves: &Waves,
) -> Result<bool, Error> {
    match context.turns.of(name, store, wish) {
        Turn::Free => return Ok(false),
        Turn::Wait => {}
        Turn::FirstLook => {
            if is_suspended || !replaces_pods(context, name, waves).await? {
                context.turns.done(name);
                return Ok(false);
            }
            if context.turns.ask(name, wish, absent(context, waves)) == Turn::Free {
                return Ok(false);
            }
        }
    }
    meanwhile(context, name, waves).await
}

/// What a Store has not got.
fn absent(context: &Context, waves: &Waves) -> BTreeSet<ChildRef> {
    let absent = waves.all().filter(|desired| context.observed.get(&desired.child).is_none());
    absent.map(|desired| desired.child.clone()).collect()
}

/// Makes anew what vanished since the Store asked, and goes on with its keys, which have days of their own. All else stays as it is, and what is
/// new belongs to the version to come. One whose pods were deleted is not as it was any more: it waits no longer.
async fn meanwhile(context: &Context, store: &StoreName, waves: &Waves) -> Result<bool, Error> {
    let has_vanished = |desired: &&Desired| {
        desired.child.kind != Kind::Job
            && context.observed.get(&desired.child).is_none()
            && context.turns.had(store, &desired.child)
    };
    let vanished: Vec<&Desired> = waves.all().filter(has_vanished).collect();
    if vanished.iter().any(|desired| has_pods(desired.child.kind)) {
        context.turns.done(store);
        return Ok(false);
    }
    wave(context, store, vanished.into_iter().chain(&waves.keys)).await?;
    Ok(true)
}

/// Whether applying it would replace pods that run now. What is found to be as it should be is not read again.
async fn replaces_pods(context: &Context, store: &StoreName, waves: &Waves) -> Result<bool, Error> {
    let with_pods = waves.all().filter(|desired| has_pods(desired.child.kind));
    let looks = with_pods.map(|desired| async move {
        match child::look(context, store, desired).await? {
            child::Found::Different(live) => replaces(context, &live, desired).await,
            child::Found::AsDesired | child::Found::Missing => Ok(false),
        }
    });
    let looks: Vec<_> = looks.map(FutureExt::boxed).collect();
    let found: Vec<Result<bool, Error>> = stream::iter(looks).buffer_unordered(CHILDREN_AT_ONCE).collect().await;
    found.into_iter().try_fold(false, |any, one| Ok(any | one?))
}

/// Whether one child would have other pods. What is to be left out can't be seen in what is wanted, so the API server is asked what would come
/// of it.
async fn replaces(context: &Context, live: &DynamicObject, desired: &Desired) -> Result<bool, Error> {
    let Desired { child, manifest, hash: _ } = desired;
    if adds(live, desired) {
        return Ok(true);
    }
    let parameters = PatchParams { dry_run: true, ..PatchParams::apply(FIELD_MANAGER).force() };
    match child::api(context, child).patch(&child.name, &parameters, &Patch::Apply(manifest)).await {
        Ok(applied) => Ok(pods(child.kind, &applied.data) != pods(child.kind, &live.data)),
        // What is the matter with it is told when its turn comes.
        Err(kube::Error::Api(_)) => Ok(true),
        Err(source) => Err(Error::ApplyFailed { child: child.clone(), source: Box::new(source) }),
    }
}

/// Whether its pods are to have something that they have not.
fn adds(live: &DynamicObject, desired: &Desired) -> bool {
    let kind = desired.child.kind;
    !covers(pods(kind, &live.data), pods(kind, &desired.manifest))
}

/// What pods are made from. Of what CloudNativePG does with a change only it knows whether that replaces pods.
fn pods(kind: Kind, object: &Value) -> &Value {
    if kind == Kind::Cluster { &object["spec"] } else { &object["spec"]["template"] }
}

const fn has_pods(kind: Kind) -> bool {
    matches!(kind, Kind::Deployment | Kind::StatefulSet | Kind::Cluster)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn another_template_gives_other_pods_and_another_number_of_them_does_not() {
        let live = |spec: Value| -> DynamicObject {
            serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": spec})).unwrap()
        };
        let desired = |kind: Kind, spec: Value| Desired {
            child: ChildRef { kind, namespace: "shop".into(), name: "a".into() },
            manifest: json!({"spec": spec}),
            hash: 0,
        };
        let template = |image: &str| json!({"spec": {"containers": [{"name": "a", "image": image}]}});
        let spec = |replicas: u8, image: &str| json!({"replicas": replicas, "template": template(image)});
        let running = live(spec(1, "a:v1"));
        assert!(!adds(&running, &desired(Kind::Deployment, spec(2, "a:v1"))));
        assert!(adds(&running, &desired(Kind::Deployment, spec(1, "a:v2"))));
        let cluster = live(json!({"instances": 3, "imageName": "a:v1", "primaryUpdateStrategy": "unsupervised"}));
        assert!(!adds(&cluster, &desired(Kind::Cluster, json!({"instances": 3, "imageName": "a:v1"}))));
        assert!(adds(&cluster, &desired(Kind::Cluster, json!({"instances": 3, "imageName": "a:v2"}))));
    }
}
