//! Whether pods of a shop that nobody has changed may be replaced now, and what is done of it until then.

use futures::{FutureExt, StreamExt, stream};
use kube::api::DynamicObject;

use super::{CHILDREN_AT_ONCE, Desired, Waves, child, wave};
use crate::{context::Context, covers::covers, error::Error, kind::Kind, observed::StoreName};

/// Whether applying it would replace pods that run now. What is found to be as it should be is not read again.
pub(super) async fn replaces_pods(context: &Context, store: &StoreName, waves: &Waves) -> Result<bool, Error> {
    let with_pods = waves.all().filter(|desired| has_pods(desired.child.kind));
    let looks = with_pods.map(|desired| async move {
        let found = child::look(context, store, desired).await?;
        Ok(matches!(found, child::Found::Different(live) if replaces(&live, desired)))
    });
    let looks: Vec<_> = looks.map(FutureExt::boxed).collect();
    let found: Vec<Result<bool, Error>> = stream::iter(looks).buffer_unordered(CHILDREN_AT_ONCE).collect().await;
    found.into_iter().try_fold(false, |any, one| Ok(any | one?))
}

const fn has_pods(kind: Kind) -> bool {
    matches!(kind, Kind::Deployment | Kind::StatefulSet | Kind::Cluster)
}

fn replaces(live: &DynamicObject, desired: &Desired) -> bool {
    let (live, wanted) = (&live.data["spec"], &desired.manifest["spec"]);
    // Of what CloudNativePG does with a change only it knows whether that replaces pods.
    let same = if desired.child.kind == Kind::Cluster {
        covers(live, wanted)
    } else {
        covers(&live["template"], &wanted["template"])
    };
    !same
}

/// What a shop that waits for its turn is given: what is not there. All else stays as it was made; Jobs belong to the version to come.
pub(super) async fn make_missing(context: &Context, store: &StoreName, waves: &Waves) -> Result<(), Error> {
    let missing =
        |desired: &&Desired| desired.child.kind != Kind::Job && context.observed.get(&desired.child).is_none();
    let missing: Vec<Desired> = waves.all().filter(missing).cloned().collect();
    wave(context, store, &missing).await
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::kind::ChildRef;

    #[test]
    fn only_another_template_replaces_pods() {
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
        assert!(!replaces(&running, &desired(Kind::Deployment, spec(2, "a:v1"))));
        assert!(replaces(&running, &desired(Kind::Deployment, spec(1, "a:v2"))));
        let cluster = live(json!({"instances": 3, "imageName": "a:v1", "primaryUpdateStrategy": "unsupervised"}));
        assert!(!replaces(&cluster, &desired(Kind::Cluster, json!({"instances": 3, "imageName": "a:v1"}))));
        assert!(replaces(&cluster, &desired(Kind::Cluster, json!({"instances": 3, "imageName": "a:v2"}))));
    }
}
