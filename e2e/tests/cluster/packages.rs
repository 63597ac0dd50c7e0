//! What was installed can be asked by those who installed it.

use std::process::Command;
use std::time::Duration;

use crate::kubernetes::{DEMO, OPERATOR, SHOP, client, ready};

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn the_tests_of_both_charts_pass() {
    ready(&client().await, SHOP, DEMO, Duration::from_secs(120)).await;
    for (release, namespace) in [("shopkeeper", OPERATOR), (DEMO, SHOP)] {
        let said = said(Command::new("helm").args(["test", release, "--namespace", namespace, "--timeout", "2m"]));
        assert!(said.contains("Succeeded"), "{said}");
    }
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn the_plugin_of_kubectl_tells_how_the_shop_is_and_what_belongs_to_it() {
    ready(&client().await, SHOP, DEMO, Duration::from_secs(120)).await;
    let plugin = |command: &str| said(Command::new("kubectl").args(["shopkeeper", command, DEMO, "--namespace", SHOP]));
    let (status, tree) = (plugin("status"), plugin("tree"));
    assert!(status.contains("Ready"), "{status}");
    for part in ["demo-catalog", "demo-gateway", "demo-postgres", "ReplicaSet", "Pod"] {
        assert!(tree.contains(part), "{part}: {tree}");
    }
}

/// What a command says, which must succeed.
fn said(command: &mut Command) -> String {
    let output = command.output().expect("the environment of `make env`");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}");
    said
}
