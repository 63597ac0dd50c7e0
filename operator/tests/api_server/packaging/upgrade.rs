//! What becomes of the definition of a Store, and of Stores, when the chart is upgraded, uninstalled and installed again.

use std::path::Path;

use serde_json::Value;

use super::{NAMESPACE, helm_of, kubectl_of, place, said};
use crate::support::{Strict, eventually};

const CRD: &str = "stores.shopkeeper.dev";
const STORE: &str = "{apiVersion: shopkeeper.dev/v1alpha1, kind: Store, metadata: {name: demo, namespace: default}, spec: {demo: {products: 7}}}";

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copied(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("to copy");
        }
    }
}

fn changed(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).expect("a file");
    assert!(text.contains(from), "{} does not have {from:?}", file.display());
    std::fs::write(file, text.replacen(from, to, 1)).expect("to write");
}

/// The chart as a former version might have been: one column and one field of a Store are not known yet.
fn former_chart(folder: &Path) {
    copied(&place("charts/shopkeeper"), folder);
    changed(&folder.join("Chart.yaml"), "\nversion: ", "\nversion: 0.0.1-");
    let crd = folder.join("files/store.yaml");
    changed(&crd, "    - jsonPath: .status.hitRatio\n      name: Hit-Ratio\n      type: string\n", "");
    changed(&crd, "\n              loadTest:\n", "\n              rush:\n");
}

async fn get(strict: &Strict, what: &[&str]) -> Value {
    let text = said(kubectl_of(strict).await.args(["get", "--output", "json"]).args(what));
    serde_json::from_str(&text).expect("JSON")
}

async fn columns(strict: &Strict) -> String {
    get(strict, &["crd", CRD]).await["spec"]["versions"][0]["additionalPrinterColumns"].to_string()
}

/// The only Store there is.
async fn store(strict: &Strict) -> Value {
    get(strict, &["store", "demo", "--namespace", "default"]).await
}

/// Writes a Store as `kubectl apply` does, and waits while the API server does not know it yet.
async fn applied(strict: &Strict, folder: &Path, text: &str) {
    let file = folder.join("store.yaml");
    std::fs::write(&file, text).expect("to write");
    eventually("the Store to be taken", || async {
        let mut kubectl = kubectl_of(strict).await;
        let output = kubectl.args(["apply", "--filename"]).arg(&file).output().expect("kubectl");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(said) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_brings_the_definition_along_and_no_store_is_lost_by_it_or_by_an_uninstallation() {
    let strict = Strict::start().await;
    // The one that tests are given was not put there by Helm.
    said(kubectl_of(&strict).await.args(["delete", "crd", CRD]));
    let folder = tempfile::tempdir().expect("a folder");
    let former = folder.path().join("former");
    former_chart(&former);
    let helm = async |arguments: &[&str], chart: Option<&Path>| {
        let mut helm = helm_of(&strict).await;
        said(helm.args(arguments).args(chart).args(["--namespace", NAMESPACE]));
    };

    helm(&["install", "shopkeeper", "--create-namespace"], Some(former.as_path())).await;
    assert!(!columns(&strict).await.contains("Hit-Ratio"));
    applied(&strict, folder.path(), STORE).await;
    let before = store(&strict).await;

    let present = place("charts/shopkeeper");
    helm(&["upgrade", "shopkeeper"], Some(present.as_path())).await;
    assert!(columns(&strict).await.contains("Hit-Ratio"));
    assert_eq!(store(&strict).await["metadata"]["uid"], before["metadata"]["uid"]);
    applied(&strict, folder.path(), &STORE.replace("spec: {", "spec: {loadTest: {users: 7}, ")).await;
    let after = store(&strict).await;
    assert_eq!(after["spec"]["loadTest"]["users"], 7, "{after}");
    assert_eq!(after["spec"]["demo"], before["spec"]["demo"], "{after}");

    helm(&["uninstall", "shopkeeper"], None).await;
    assert_eq!(get(&strict, &["deployments", "--namespace", NAMESPACE]).await["items"], Value::Array(Vec::new()));
    assert_eq!(store(&strict).await, after);
    // What was kept is taken over, and the Store with it.
    helm(&["install", "shopkeeper"], Some(present.as_path())).await;
    assert_eq!(store(&strict).await, after);
}
