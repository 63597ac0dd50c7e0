//! What must hold for every plan.

use serde_json::{Value, json};
use shopkeeper_api::Store;
use shopkeeper_plan::{InvalidStore, validate};

use crate::fixture::{demo, found, images, objects, planned, pod, with_spec};

/// Stores that differ in all that a plan depends on.
fn stores() -> Vec<Store> {
    let specs = [
        json!({}),
        json!({"profile": "Standard", "demo": {"products": 10}, "gateway": {"corsOrigins": ["https://app.example.com"]}}),
        json!({"profile": "HighAvailability", "dataRetention": "Delete", "demo": {"users": true}}),
        json!({"database": {"external": {"secretRef": {"name": "db"}}}, "redis": {"external": {"secretRef": {"name": "redis"}}}}),
        json!({
            "services": {
                "cart": {"autoscaling": {"minReplicas": 2, "maxReplicas": 6}},
                "user": {"resources": {"requests": {"memory": "1Gi"}}, "scheduling": {"priorityClassName": "high"}},
            },
            "images": {"registry": "example.com/shop", "tag": "v2", "pullPolicy": "Always", "pullSecrets": [{"name": "registry"}]},
        }),
    ];
    let mut stores: Vec<Store> = specs.into_iter().map(with_spec).collect();
    let mut long = demo();
    long.metadata.name = Some("a".repeat(40));
    stores.extend([demo(), long]);
    stores
}

fn all_objects() -> impl Iterator<Item = Value> {
    stores().into_iter().flat_map(|store| objects(&planned(&store)))
}

fn containers(pod: &Value) -> Vec<Value> {
    pod["containers"].as_array().cloned().unwrap_or_default()
}

#[test]
fn the_same_store_gives_the_same_plan() {
    for store in stores() {
        assert_eq!(objects(&planned(&store)), objects(&planned(&store)));
    }
}

#[test]
fn every_pod_is_restricted_and_has_no_token() {
    for object in all_objects() {
        let Some(pod) = pod(&object) else { continue };
        let name = &object["metadata"]["name"];
        assert_eq!(pod["automountServiceAccountToken"], json!(false), "{name}");
        assert_eq!(pod["securityContext"]["runAsNonRoot"], json!(true), "{name}");
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], json!("RuntimeDefault"), "{name}");
        for container in containers(pod) {
            let security = &container["securityContext"];
            assert_eq!(security["readOnlyRootFilesystem"], json!(true), "{name}");
            assert_eq!(security["allowPrivilegeEscalation"], json!(false), "{name}");
            assert_eq!(security["capabilities"]["drop"], json!(["ALL"]), "{name}");
        }
    }
}

#[test]
fn every_container_has_requests_and_limits_and_servers_have_probes() {
    for object in all_objects() {
        let Some(pod) = pod(&object) else { continue };
        for container in containers(pod) {
            for kind in ["requests", "limits"] {
                for amount in ["cpu", "memory"] {
                    assert!(
                        container["resources"][kind][amount].is_string(),
                        "{} {kind} {amount}",
                        object["metadata"]["name"]
                    );
                }
            }
            if object["kind"] != "Job" {
                for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
                    assert!(container[probe].is_object(), "{} {probe}", object["metadata"]["name"]);
                }
            }
        }
    }
}

#[test]
fn no_password_is_outside_of_a_secret() {
    for object in all_objects().filter(|object| object["kind"] != "Secret") {
        assert!(!object.to_string().contains("password-of-"), "{}", object["metadata"]["name"]);
    }
}

#[test]
fn every_name_fits() {
    for object in all_objects() {
        let name = object["metadata"]["name"].as_str().expect("a name");
        assert!(name.len() <= 63, "{name}");
        // A Job's pods carry its name as a label; a StatefulSet's a hash of ten digits behind its own.
        if object["kind"] == "StatefulSet" {
            assert!(name.len() + 11 <= 63, "{name}");
        }
    }
}

#[test]
fn objects_are_distinct() {
    for store in stores() {
        let mut names: Vec<String> = objects(&planned(&store))
            .iter()
            .map(|object| format!("{} {}", object["kind"], object["metadata"]["name"]))
            .collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}

#[test]
fn one_registry_and_tag_serve_all_images_of_ours_and_each_can_be_named_whole() {
    let images = json!({"registry": "example.com/x", "tag": "v9", "cart": "example.org/my-cart@sha256:00", "nginx": "example.org/nginx:1"});
    let mut seen = Vec::new();
    for object in objects(&planned(&with_spec(json!({"images": images})))) {
        let Some(pod) = pod(&object) else { continue };
        seen.extend(containers(pod).iter().map(|container| container["image"].as_str().unwrap_or_default().to_owned()));
    }
    seen.sort_unstable();
    seen.dedup();
    let expected = [
        "example.com/x/catalog:v9",
        "example.com/x/order:v9",
        "example.com/x/user:v9",
        "example.org/my-cart@sha256:00",
        "example.org/nginx:1",
        "shopkeeper.local/postgres:15",
        "shopkeeper.local/redis:7",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn another_password_rolls_its_user_and_migrates_again() {
    let shop = validate(&demo(), &images()).expect("a shop");
    let before = shopkeeper_plan::plan(&shop, &found()).expect("a plan");
    let mut other = found();
    other.credentials.database.cart = shopkeeper_plan::SecretText::new("password-of-another");
    let after = shopkeeper_plan::plan(&shop, &other).expect("a plan");
    assert_ne!(before.migrate.job.metadata.name, after.migrate.job.metadata.name);
    let changed: Vec<_> = before
        .services
        .iter()
        .zip(&after.services)
        .filter(|(before, after)| before.deployment != after.deployment)
        .map(|(before, _)| before.component.as_str())
        .collect();
    assert_eq!(changed, ["cart"]);
}

#[test]
fn what_slipped_past_the_api_server_is_refused_here() {
    let refuse = |spec| validate(&with_spec(spec), &images()).expect_err("a refusal");
    let both = json!({"managed": {}, "external": {"secretRef": {"name": "db"}}});
    assert_eq!(refuse(json!({"database": both})), InvalidStore::ManagedOrExternal("database"));
    assert_eq!(refuse(json!({"redis": {}})), InvalidStore::ManagedOrExternal("redis"));
    assert_eq!(
        refuse(json!({"services": {"order": {"lifecycle": {"processingAfter": "1h"}}}})),
        InvalidStore::Lifecycle
    );
    assert_eq!(refuse(json!({"services": {"user": {"accessTokenLifetime": "1s"}}})), InvalidStore::AccessTokenLifetime);
    let evil = "x; } server { listen 1";
    assert_eq!(refuse(json!({"gateway": {"host": evil}})), InvalidStore::Gateway(evil.into()));
    let request = json!({"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}});
    assert!(matches!(refuse(json!({"services": {"cart": request}})), InvalidStore::Resources { .. }));
}
