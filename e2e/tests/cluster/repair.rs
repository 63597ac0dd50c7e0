//! Whatever of a Store is deleted or changed by hand comes back.

use std::time::Duration;

use kube::ResourceExt;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::json;

use crate::kubernetes::{DEMO, SHOP, client, eventually, objects, of_store, owned_kinds, ready};

/// Repair takes about a second; a busy machine is given more before the test fails.
const REPAIR_LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn one_object_of_every_kind_that_is_deleted_is_made_again() {
    let client = client().await;
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    for kind in owned_kinds() {
        let api = objects(&client, SHOP, &kind);
        let listed = api.list(&of_store(DEMO)).await.expect("objects can be listed");
        let victim = repairable(&listed.items).unwrap_or_else(|| panic!("the Store has no {}", kind.kind));
        let (name, uid) = (victim.name_any(), victim.uid());
        api.delete(&name, &DeleteParams::background()).await.expect("the object can be deleted");
        let what = format!("{} {name} is back", kind.kind);
        let ((), took) = eventually(&what, REPAIR_LIMIT, || async {
            let found = api.get_opt(&name).await.ok()??;
            (found.uid() != uid && found.metadata.deletion_timestamp.is_none()).then_some(())
        })
        .await;
        println!("{what} after {:.2} s", took.as_secs_f64());
        ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    }
}

/// Credentials are made once and are not what a database already in use was made with, so no test throws them away.
fn repairable(objects: &[DynamicObject]) -> Option<&DynamicObject> {
    let by_preference = |wanted: &str| objects.iter().find(|object| object.name_any().contains(wanted));
    by_preference("gateway").or_else(|| by_preference("catalog")).or_else(|| by_preference("redis")).or(objects.first())
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_change_made_by_hand_is_undone() {
    let client = client().await;
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    let kind = owned_kinds().into_iter().find(|kind| kind.kind == "Service").expect("a Store owns services");
    let api = objects(&client, SHOP, &kind);
    let name = format!("{DEMO}-catalog");
    let was = api.get(&name).await.expect("the catalog has a service").data["spec"]["selector"].clone();

    let elsewhere = json!({"spec": {"selector": {"app.kubernetes.io/name": "nobody"}}});
    api.patch(&name, &PatchParams::default(), &Patch::Merge(&elsewhere)).await.expect("a service can be changed");
    let ((), took) = eventually("the selector is as it was", REPAIR_LIMIT, || async {
        let service = api.get(&name).await.ok()?;
        (service.data["spec"]["selector"] == was).then_some(())
    })
    .await;
    println!("the selector is as it was after {:.2} s", took.as_secs_f64());
}
