//! An operator for some namespaces, with Roles in them and nothing else.

use serde_json::json;
use shopkeeper_operator::lease::Role;

use crate::{
    rbac::{ACCOUNT, NAMESPACE, allowed, install, of_operator},
    support::{Replica, Strict, World, eventually, figures, lease_settings},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_for_some_namespaces_needs_no_cluster_role_and_sees_nothing_else() {
    let strict = Strict::start().await;
    let one = World::on(strict.admin().await, "one").await;
    let two = World::on(strict.admin().await, "two").await;
    let other = World::on(strict.admin().await, "other").await;
    let documents = strict.chart(&["watchNamespaces={one,two}"]);
    let cluster_wide = |kind: &str| kind.starts_with("ClusterRole");
    assert!(!documents.iter().any(|document| document["kind"].as_str().is_some_and(cluster_wide)));
    install(&strict, &documents).await;
    for namespace in ["one", "two"] {
        allowed(&strict, &["patch", "secrets", "--namespace", namespace]).await;
    }

    let account = strict.account(NAMESPACE, ACCOUNT).await;
    let mut settings = one.settings();
    settings.watch_namespaces = vec!["one".into(), "two".into()];
    let replica = Replica::start(&account, settings, lease_settings(NAMESPACE, "it", 60));
    replica.until(Role::Holding).await;
    for world in [&one, &two, &other] {
        world.apply("demo", json!({})).await;
    }
    one.ready("demo").await;
    two.ready("demo").await;
    assert!(other.store("demo").await.status.is_none_or(|status| status.conditions.is_empty()));
    // A Store that goes in one namespace is forgotten, those of the others stay.
    one.stores().delete("demo", &kube::api::DeleteParams::default()).await.expect("to delete");
    eventually("one Store to be left", || async {
        let text = figures(&replica.metrics, None);
        if text.contains("operator_stores{ready=\"True\"} 1\n") { Ok(()) } else { Err(text) }
    })
    .await;
    two.apply("demo", json!({"profile": "Standard"})).await;
    two.ready("demo").await;
    replica.stop().await;

    let requests = of_operator(&strict);
    assert!(!requests.is_empty());
    let forbidden: Vec<_> = requests.iter().filter(|request| request.code == 403).collect();
    assert!(forbidden.is_empty(), "{forbidden:#?}");
    let elsewhere: Vec<_> =
        requests.iter().filter(|it| !["one", "two", NAMESPACE].contains(&it.namespace.as_str())).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
}
