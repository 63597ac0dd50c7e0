//! The operator without Helm.

use serde_json::{Value, json};

use super::{NAMESPACE, documents, keep, kubectl_of, of_kind, place, read, rendered, said};
use crate::support::Strict;

const PLACE: &str = "manifests/operator.yaml";
const BEGIN: &str = "\
# Made from charts/shopkeeper by scripts/packaging. Do not edit.
apiVersion: v1
kind: Namespace
metadata:
  name: shopkeeper-system
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/warn: restricted
";

/// Whether a line says only that Helm has made the object, and of which file.
fn is_helms(line: &str) -> bool {
    let line = line.trim_start();
    ["# Source: ", "helm.sh/chart: ", "app.kubernetes.io/managed-by: Helm"].iter().any(|begin| line.starts_with(begin))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plain_manifests_are_made_from_the_chart() {
    let made = rendered("charts/shopkeeper", "shopkeeper", &["--skip-tests", "--set", "crds.install=false"]).await;
    let lines: Vec<&str> = made.lines().filter(|line| !is_helms(line)).map(str::trim_end).collect();
    let manifests = format!("{BEGIN}{}\n", lines.join("\n").trim_end());
    assert!(!manifests.contains("Helm") && !manifests.contains("helm.sh"), "{manifests}");
    keep(PLACE, &manifests);
}

/// Kind, name and version of all that there is of the manifests.
async fn versions(strict: &Strict) -> Vec<[String; 3]> {
    let mut kubectl = kubectl_of(strict).await;
    let text = said(kubectl.args(["get", "--output", "json", "-k"]).arg(place("manifests")));
    let list: Value = serde_json::from_str(&text).expect("JSON");
    let version = |object: &Value| {
        let metadata = &object["metadata"];
        [&object["kind"], &metadata["name"], &metadata["resourceVersion"]]
            .map(|field| field.as_str().unwrap_or_default().to_owned())
    };
    list["items"].as_array().expect("objects").iter().map(version).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plain_manifests_are_taken_and_a_second_time_changes_nothing() {
    let strict = Strict::start().await;
    let apply = async || said(kubectl_of(&strict).await.args(["apply", "--server-side", "-k"]).arg(place("manifests")));
    apply().await;
    let first = versions(&strict).await;
    assert!(first.len() > 8, "{first:?}");
    assert!(first.iter().any(|[kind, ..]| kind == "CustomResourceDefinition"), "{first:?}");
    apply().await;
    assert_eq!(versions(&strict).await, first);

    // Its pods are let in where it puts them.
    let manifests = documents(&read(PLACE));
    let template = &of_kind(&manifests, "Deployment")["spec"]["template"];
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "operator", "namespace": NAMESPACE}, "spec": template["spec"],
    });
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pod.json");
    std::fs::write(&file, pod.to_string()).expect("to write");
    said(kubectl_of(&strict).await.args(["create", "--dry-run=server", "--filename"]).arg(&file));
}
