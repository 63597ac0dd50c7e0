//! Where the images of a shop come from.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shopkeeper_plan::{InvalidStore, validate};

use crate::fixture::{all_containers, every_part, images, objects, planned, pod, with_spec};

/// The images of a pod's containers, with those that come before the others.
fn images_of(pod: &Value) -> Vec<String> {
    all_containers(pod).map(|container| container["image"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The images of all containers, where the Store asks for everything that there is and says this of images.
fn all_images(said: &Value) -> BTreeSet<String> {
    let mut spec = every_part(&json!({}));
    spec["images"] = said.clone();
    let all = objects(&planned(&with_spec(spec)));
    all.iter().filter_map(pod).flat_map(images_of).collect()
}

#[test]
fn one_registry_and_tag_serve_all_images_of_ours_and_each_can_be_named_whole() {
    let digest = format!("sha256:{}", "1".repeat(64));
    let images = json!({
        "registry": "example.com/x", "tag": "v9", "cart": "example.org/my-cart@sha256:00", "nginx": "example.org/nginx:1",
        "digests": {"user": digest},
    });
    let mut seen = Vec::new();
    for object in objects(&planned(&with_spec(json!({"images": images, "monitoring": {"enabled": false}})))) {
        let Some(pod) = pod(&object) else { continue };
        seen.extend(images_of(pod));
    }
    seen.sort_unstable();
    seen.dedup();
    let user = format!("example.com/x/user:v9@{digest}");
    let expected = [
        "example.com/x/catalog:v9",
        "example.com/x/order:v9",
        &user,
        "example.org/my-cart@sha256:00",
        "example.org/nginx:1",
        "shopkeeper.local/postgres:15",
        "shopkeeper.local/redis:7",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_mirror_serves_every_image_that_the_store_does_not_name() {
    let (mirror, plain) = ("mirror.example.com:5000/upstream", all_images(&json!({})));
    assert_eq!(plain.len(), 17, "five of ours, PostgreSQL, Redis, nginx and nine that watch: {plain:?}");
    let from_mirror = |images: &BTreeSet<String>| -> BTreeSet<String> {
        images.iter().map(|image| image.replacen("shopkeeper.local", mirror, 1)).collect()
    };
    let mirrored = all_images(&json!({"mirror": mirror}));
    assert!(mirrored.iter().all(|image| image.starts_with(mirror)), "{mirrored:?}");
    assert_eq!(mirrored, from_mirror(&plain));

    let named = json!({
        "mirror": mirror, "registry": "example.com/x", "postgres": "docker.io/library/postgres:17@sha256:00",
        "grafana": "grafana/grafana:13",
    });
    let said = ["docker.io/library/postgres:17@sha256:00", "grafana/grafana:13"].map(ToOwned::to_owned);
    let ours = ["catalog", "cart", "order", "user", "gateway-exporter"];
    let theirs = plain.iter().filter(|image| !ours.iter().any(|name| image.ends_with(&format!("/{name}:v1"))));
    let theirs = theirs.filter(|image| !image.contains("/postgres:") && !image.contains("/grafana:"));
    let mut expected = from_mirror(&theirs.cloned().collect());
    expected.extend(said);
    expected.extend(ours.map(|name| format!("example.com/x/{name}:v1")));
    assert_eq!(all_images(&named), expected);
}

#[test]
fn a_mirror_that_slipped_past_the_api_server_and_is_none_is_refused() {
    for mirror in ["https://mirror.example.com", "mirror.example.com/", "mirror", "mirror.example.com/x:1", ""] {
        let refusal = validate(&with_spec(json!({"images": {"mirror": mirror}})), &images()).expect_err("a refusal");
        assert_eq!(refusal, InvalidStore::Mirror(mirror.into()));
    }
}

#[test]
fn every_pod_has_the_pull_secrets_of_the_store() {
    let named = json!([{"name": "first"}, {"name": "second"}]);
    let mut spec = every_part(&json!({}));
    spec["images"] = json!({"pullSecrets": named});
    let all = objects(&planned(&with_spec(spec)));
    let pods: Vec<&Value> = all.iter().filter_map(pod).collect();
    assert_eq!(pods.len(), 19, "services, gateway, database, Redis, two Jobs, the backups and nine that watch");
    assert!(pods.iter().all(|pod| pod["imagePullSecrets"] == named));

    let cluster = with_spec(json!({"images": {"pullSecrets": named}, "database": {"cloudNativePg": {}}}));
    let all = objects(&planned(&cluster));
    let cluster = all.iter().find(|object| object["kind"] == "Cluster").expect("a Cluster");
    assert_eq!(cluster["spec"]["imagePullSecrets"], named);
}
