//! What matters of a Store's children when two Stores are compared.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shopkeeper_operator::kind::Kind;

use super::{World, children, eventually};

/// Everything of the children but what is new with each Store.
pub type Shape = BTreeMap<(Kind, String), Value>;

/// The children as they are now.
pub async fn shape(world: &World) -> Shape {
    let mut shapes = Shape::new();
    for ((kind, name), child) in children(&world.client, &world.namespace).await {
        // Passwords are random, and with them the Jobs' names and the hashes of configurations.
        let name = if kind == Kind::Job {
            name.rsplit_once('-').map_or(name.clone(), |(stem, _)| stem.to_owned())
        } else {
            name
        };
        let mut spec = child.object.data["spec"].clone();
        for random in ["clusterIP", "clusterIPs", "volumeName", "selector", "template"] {
            if let Some(fields) = spec.as_object_mut() {
                fields.remove(random);
            }
        }
        shapes.insert(
            (kind, name),
            json!({"spec": spec, "keys": keys(&child.object.data["data"]), "labels": child.object.metadata.labels}),
        );
    }
    shapes
}

fn keys(data: &Value) -> Vec<String> {
    let keys = data.as_object().map(|data| data.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    // The public key's file is named by the key.
    keys.into_iter().map(|key| if key.contains(".pem") { "key.pem".to_owned() } else { key }).collect()
}

/// Waits until a world's children have this shape, none is missing and none too many.
pub async fn until_shaped(world: &World, expected: &Shape, what: &str) {
    eventually(what, || async {
        let found = shape(world).await;
        let missing: Vec<_> =
            expected.iter().filter(|(key, shape)| found.get(*key) != Some(shape)).map(|(key, _)| key).collect();
        let surplus: Vec<_> = found.keys().filter(|key| !expected.contains_key(*key)).collect();
        if missing.is_empty() && surplus.is_empty() {
            Ok(())
        } else {
            Err(format!("missing or different {missing:?}, surplus {surplus:?}"))
        }
    })
    .await;
}
