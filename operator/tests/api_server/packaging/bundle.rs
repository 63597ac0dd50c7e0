//! The bundle for the Operator Lifecycle Manager, made from the same sources as all else.

use serde_json::{Value, json};

use super::{
    artifact_hub::{annotation, chart},
    documents, keep, of_kind, read, rendered,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const HEADER: &str = "# Made from charts/shopkeeper by scripts/packaging. Do not edit.\n";
const DESCRIPTION: &str = "\
Runs a whole online shop from one `Store`: catalog, cart, order and user services, their PostgreSQL and Redis, a gateway, and what watches all of it.

Cache policies are fields of the `Store`; a change reaches running pods within seconds, none restarts, and the status proves that every pod has it.
";

fn yaml(value: &Value) -> String {
    format!("{HEADER}{}", serde_yaml_ng::to_string(value).expect("YAML"))
}

/// What Helm says about itself is not for others.
fn without_helm(mut object: Value) -> Value {
    match &mut object {
        Value::Object(fields) => {
            fields.retain(|name, value| name != "helm.sh/chart" && *value != "Helm");
            for value in fields.values_mut() {
                *value = without_helm(value.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = without_helm(item.take());
            }
        }
        _ => {}
    }
    object
}

/// The environment, without the name of a namespace: the Operator Lifecycle Manager says where the operator runs.
fn in_any_namespace(env: &mut Value) {
    let own = json!({"fieldRef": {"fieldPath": "metadata.namespace"}});
    for variable in env.as_array_mut().into_iter().flatten() {
        if variable["name"] == "LEASE_NAMESPACE" {
            *variable = json!({"name": "LEASE_NAMESPACE", "valueFrom": own});
        } else if variable["name"] == "OPERATOR_METRICS" {
            variable["value"] = json!("shopkeeper-pods.$(LEASE_NAMESPACE).svc:9090");
        }
    }
}

fn deployment(documents: &[Value]) -> Value {
    let mut spec = without_helm(of_kind(documents, "Deployment")["spec"].clone());
    in_any_namespace(&mut spec["template"]["spec"]["containers"][0]["env"]);
    spec
}

fn rules(documents: &[Value], kind: &str, name: &str) -> Value {
    let is_it = |document: &&Value| document["kind"] == kind && document["metadata"]["name"] == name;
    let role = documents.iter().find(is_it).unwrap_or_else(|| panic!("there is no {kind} {name}"));
    json!([{"serviceAccountName": "shopkeeper", "rules": role["rules"]}])
}

/// What the Operator Lifecycle Manager installs.
fn install(documents: &[Value]) -> Value {
    json!({"strategy": "deployment", "spec": {
        "clusterPermissions": rules(documents, "ClusterRole", "shopkeeper"),
        "permissions": rules(documents, "Role", "shopkeeper-lease"),
        "deployments": [{"name": "shopkeeper", "spec": deployment(documents)}],
    }})
}

fn listed(name: &str) -> Value {
    documents(&annotation(name)).remove(0)
}

fn cluster_service_version(documents: &[Value]) -> Value {
    let chart = chart("charts/shopkeeper");
    let images = listed("images");
    let owned = listed("crds");
    let examples = serde_json::to_string_pretty(&listed("crdsExamples")).expect("JSON");
    let mode = |name: &str| json!({"type": name, "supported": name == "AllNamespaces"});
    let modes = ["OwnNamespace", "SingleNamespace", "MultiNamespace", "AllNamespaces"].map(mode);
    json!({
        "apiVersion": "operators.coreos.com/v1alpha1",
        "kind": "ClusterServiceVersion",
        "metadata": {
            "name": format!("shopkeeper.v{VERSION}"),
            "annotations": {
                "alm-examples": examples,
                "capabilities": annotation("operatorCapabilities"),
                "containerImage": images[0]["image"],
                "description": chart["description"],
                "operatorframework.io/suggested-namespace": "shopkeeper-system",
            },
        },
        "spec": {
            "displayName": "Shopkeeper",
            "description": DESCRIPTION,
            "version": VERSION,
            "maturity": "alpha",
            "minKubeVersion": "1.31.0",
            "keywords": chart["keywords"],
            "provider": {"name": "Shopkeeper"},
            "installModes": modes,
            "customresourcedefinitions": {"owned": owned},
            "install": install(documents),
            "relatedImages": images,
        },
    })
}

/// The Services by which figures are had, in whatever namespace.
fn services(documents: &[Value]) -> Vec<Value> {
    let services = documents.iter().filter(|document| document["kind"] == "Service").cloned();
    services
        .map(|mut service| {
            if let Some(metadata) = service["metadata"].as_object_mut() {
                metadata.remove("namespace");
            }
            without_helm(service)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bundle_is_made_from_the_chart() {
    let documents = documents(&rendered("charts/shopkeeper", "shopkeeper", &["--skip-tests"]).await);
    keep("bundle/manifests/shopkeeper.clusterserviceversion.yaml", &yaml(&cluster_service_version(&documents)));
    let services = services(&documents);
    assert_eq!(services.len(), 2);
    for service in services {
        let name = service["metadata"]["name"].as_str().expect("a name");
        keep(&format!("bundle/manifests/{name}.service.yaml"), &yaml(&service));
    }
}

#[test]
fn the_bundles_image_says_the_same_of_itself_as_its_metadata_and_has_all_of_it() {
    let metadata = documents(&read("bundle/metadata/annotations.yaml")).remove(0);
    let recipe = read("bundle/Containerfile");
    let labels: Vec<&str> = recipe.lines().filter_map(|line| line.strip_prefix("LABEL ")).collect();
    let said = metadata["annotations"].as_object().expect("annotations");
    let wanted: Vec<String> =
        said.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    assert_eq!(labels.len(), wanted.len());
    assert!(wanted.iter().all(|label| labels.contains(&label.as_str())), "{wanted:?}");
    for copied in ["bundle/manifests/", "crds/store.yaml", "bundle/metadata/"] {
        assert!(recipe.contains(&format!("COPY {copied} ")), "{copied} is not in the image");
    }
}

#[test]
fn the_bundle_asks_for_no_fixed_namespace() {
    let text = read("bundle/manifests/shopkeeper.clusterserviceversion.yaml");
    let version = documents(&text).remove(0);
    let spec = &version["spec"]["install"]["spec"]["deployments"][0]["spec"];
    assert!(!spec.to_string().contains("shopkeeper-system"), "{spec}");
}
