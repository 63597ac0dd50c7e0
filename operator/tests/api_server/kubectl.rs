//! `kubectl shopkeeper`, with the operator at work.

use std::{collections::BTreeSet, path::Path, time::Duration};

use clap::Parser as _;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    batch::v1::Job,
    core::v1::{ConfigMap, Pod, Secret},
    rbac::v1::{Role, RoleBinding},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{ListParams, ObjectMeta, PostParams},
};
use serde_json::{Value, json};
use shopkeeper_kubectl::{Answer, Paint, args::Cli, run};

use crate::support::{FakePod, Manner, World, children, condition, eventually, kubeconfig_path};

/// What the plugin says and how it ends, for whoever has this kubeconfig.
async fn says_with(kubeconfig: &Path, world: &World, arguments: &[&str]) -> Result<(Answer, String), String> {
    let kubeconfig = kubeconfig.display().to_string();
    let target = ["kubectl-shopkeeper", "--kubeconfig", &kubeconfig, "--namespace", &world.namespace];
    let cli = Cli::try_parse_from(target.iter().chain(arguments)).expect("arguments");
    let mut out = Vec::new();
    let answer = Box::pin(run(cli, Paint::PLAIN, &mut out)).await.map_err(|error| error.to_string())?;
    Ok((answer, String::from_utf8(out).expect("text")))
}

async fn says(world: &World, arguments: &[&str]) -> Result<(Answer, String), String> {
    says_with(&kubeconfig_path().await, world, arguments).await
}

/// The same, where it can be done.
async fn does(world: &World, arguments: &[&str]) -> String {
    let (answer, text) = says(world, arguments).await.expect("no error");
    assert_eq!(answer, Answer::Well, "{text}");
    text
}

async fn json_of(world: &World, arguments: &[&str]) -> Value {
    let text = does(world, &[arguments, &["--output", "json"]].concat()).await;
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plugin_tells_how_a_store_is_and_whether_it_is_ready() {
    let mut world = World::new("kubectl-status").await;
    let _pod = FakePod::start(&mut world, "catalog", 1, Manner::Prompt(Duration::from_millis(30))).await;
    world.apply("demo", json!({})).await;
    let (answer, text) = says(&world, &["status"]).await.expect("the only Store");
    assert_eq!(answer, Answer::NotReady);
    assert!(text.contains("the operator has not looked at it yet"), "{text}");

    let operator = world.operator();
    world.ready("demo").await;
    world.until("demo", "CachePolicyApplied", "True").await;
    let text = does(&world, &["status", "demo"]).await;
    assert!(text.starts_with("Store demo in namespace kubectl-status is ready for "), "{text}");
    assert!(text.contains("the shop is open") && text.contains("catalog") && !text.contains('✗'), "{text}");
    let told = json_of(&world, &["status", "store/demo"]).await;
    assert_eq!((&told["ready"], &told["conditions"][0]["type"]), (&json!(true), &json!("Ready")));

    world.apply("demo", json!({"redis": {"external": {"secretRef": {"name": "nowhere"}}}})).await;
    world.until("demo", "Degraded", "True").await;
    let (answer, text) = says(&world, &["status", "demo"]).await.expect("a status");
    assert_eq!(answer, Answer::NotReady);
    assert!(text.contains("✗ Ready ") && text.contains("SecretMissing  make it, in the Store's namespace"), "{text}");
    operator.stop().await;
}

/// Plays the controllers of a Deployment: one `ReplicaSet` with one pod.
async fn deployed(world: &World, name: &str) -> (String, String) {
    let deployments: Api<Deployment> = Api::namespaced(world.client.clone(), &world.namespace);
    let deployment = deployments.get(name).await.expect("the Deployment");
    let spec = deployment.spec.clone().expect("a spec");
    let labels = spec.template.metadata.clone().expect("metadata").labels;
    let metadata = |name: String, owner| ObjectMeta {
        name: Some(name),
        labels: labels.clone(),
        owner_references: Some(vec![owner]),
        ..ObjectMeta::default()
    };
    let owner = deployment.controller_owner_ref(&()).expect("an owner");
    let set: ReplicaSet = serde_json::from_value(json!({
        "metadata": metadata(format!("{name}-1"), owner),
        "spec": {"replicas": 1, "selector": spec.selector, "template": spec.template},
    }))
    .expect("a ReplicaSet");
    let sets: Api<ReplicaSet> = Api::namespaced(world.client.clone(), &world.namespace);
    let set = sets.create(&PostParams::default(), &set).await.expect("created");
    let owner = set.controller_owner_ref(&()).expect("an owner");
    let pod = Pod { metadata: metadata(format!("{name}-1-x"), owner), spec: spec.template.spec, status: None };
    let pods: Api<Pod> = Api::namespaced(world.client.clone(), &world.namespace);
    let pod = pods.create(&PostParams::default(), &pod).await.expect("created");
    (set.name_any(), pod.name_any())
}

/// All objects of a tree by kind and name.
fn flat(node: &Value, found: &mut BTreeSet<(String, String)>) {
    let text = |key: &str| node[key].as_str().expect("text").to_owned();
    found.insert((text("kind"), text("name")));
    for child in node["children"].as_array().expect("children") {
        flat(child, found);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plugins_tree_has_every_child_and_nothing_of_others() {
    let world = World::new("kubectl-tree").await;
    let operator = world.operator();
    let spec = json!({
        "profile": "Standard", "demo": {"products": 1}, "monitoring": {},
        "services": {"cart": {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}}},
        "gateway": {"ingress": {}}, "database": {"managed": {"backup": {}}},
    });
    world.apply("demo", spec).await;
    world.ready("demo").await;
    world.until("demo", "MonitoringReady", "True").await;
    let (set, pod) = deployed(&world, "demo-user").await;
    let metadata = ObjectMeta {
        name: Some("theirs".into()),
        labels: Some([("app.kubernetes.io/instance".to_owned(), "demo".to_owned())].into()),
        ..ObjectMeta::default()
    };
    let configs: Api<ConfigMap> = Api::namespaced(world.client.clone(), &world.namespace);
    let theirs = ConfigMap { metadata, ..ConfigMap::default() };
    configs.create(&PostParams::default(), &theirs).await.expect("created");

    let tree = json_of(&world, &["tree", "demo"]).await;
    let mut found = BTreeSet::new();
    flat(&tree, &mut found);
    let made = children(&world.client, &world.namespace).await;
    let mut expected: BTreeSet<_> = made.into_keys().map(|(kind, name)| (kind.to_string(), name)).collect();
    expected.extend(
        [("Store", "demo"), ("ReplicaSet", &set), ("Pod", &pod)].map(|(kind, name)| (kind.into(), name.into())),
    );
    assert_eq!(found, expected);

    let text = does(&world, &["tree"]).await;
    let drawn = |line: &str| text.lines().find(|it| it.contains(line)).unwrap_or_default().to_owned();
    assert!(drawn("Deployment/demo-user ").starts_with("├─ "), "{text}");
    assert!(drawn(&format!("/{set} ")).starts_with("│  └─ ReplicaSet/"), "{text}");
    assert!(drawn(&format!("/{pod} ")).starts_with("│     └─ Pod/"), "{text}");
    operator.stop().await;
}

/// The fields of a Store that the plugin says are its own.
async fn own_fields(world: &World) -> Vec<Value> {
    let managers = world.store("demo").await.metadata.managed_fields.unwrap_or_default();
    let own = managers.into_iter().filter(|it| it.manager.as_deref() == Some("kubectl-shopkeeper"));
    own.filter_map(|it| it.fields_v1).map(|fields| fields.0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_paused_and_suspended_by_the_plugin_and_goes_on() {
    let world = World::new("kubectl-rest").await;
    let operator = world.operator();
    world.apply("demo", json!({"database": {"managed": {"backup": {}}}})).await;
    world.ready("demo").await;

    does(&world, &["pause", "demo"]).await;
    world.until("demo", "Paused", "True").await;
    let set = json!({"f:metadata": {"f:annotations": {".": {}, "f:shopkeeper.dev/paused": {}}}});
    assert_eq!(own_fields(&world).await, [set]);
    assert!(does(&world, &["pause", "demo"]).await.contains("is paused already"));
    assert!(
        does(&world, &["suspend", "demo"]).await.contains("nothing happens until `kubectl shopkeeper resume demo`")
    );
    does(&world, &["resume", "demo"]).await;
    world.until("demo", "Paused", "False").await;

    let store = world.until("demo", "Progressing", "False").await;
    assert_eq!(condition(&store, "Ready").expect("Ready").reason, "Suspended");
    assert_eq!(own_fields(&world).await, [json!({"f:spec": {"f:suspend": {}}})]);
    assert_eq!(says(&world, &["status"]).await.expect("a status").0, Answer::NotReady);
    let error = says(&world, &["backup", "demo"]).await.expect_err("no database");
    assert!(error.contains("`kubectl shopkeeper wake demo` first"), "{error}");
    does(&world, &["wake", "demo"]).await;
    world.ready("demo").await;
    assert!(does(&world, &["wake", "demo"]).await.contains("is not suspended"));
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_and_a_key_replaced_when_the_plugin_asks_for_it() {
    let world = World::new("kubectl-asks").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let error = says(&world, &["backup", "demo"]).await.expect_err("no backups");
    assert!(error.contains("write spec.database.managed.backup"), "{error}");

    world.apply("demo", json!({"database": {"managed": {"backup": {}}}})).await;
    world.ready("demo").await;
    let text = does(&world, &["backup", "demo"]).await;
    let jobs: Api<Job> = Api::namespaced(world.client.clone(), &world.namespace);
    let of_backups = ListParams::default().labels("app.kubernetes.io/instance=demo,app.kubernetes.io/name=backup");
    let made = jobs.list(&of_backups).await.expect("Jobs").items;
    let [job] = made.as_slice() else { panic!("{made:?}") };
    assert!(text.contains(&job.name_any()) && job.name_any().starts_with("demo-backup-now-"), "{text}");
    assert_eq!(job.owner_references()[0].name, "demo-backup");

    does(&world, &["rotate-keys", "demo"]).await;
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    eventually("another key to be published", || async {
        let data = secrets.get("demo-credentials").await.expect("the Secret").data.expect("data");
        if data.contains_key("signing-key-next") { Ok(()) } else { Err(format!("{:?}", data.keys())) }
    })
    .await;
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plugin_says_which_stores_there_are_when_it_is_not_said_which_is_meant() {
    let world = World::new("kubectl-which").await;
    let error = says(&world, &["status"]).await.expect_err("none");
    assert!(error.starts_with("there is no Store in namespace kubectl-which; name another one"), "{error}");
    world.apply("one", json!({})).await;
    let error = says(&world, &["pause", "two"]).await.expect_err("another one");
    assert_eq!(error, "there is no Store two in namespace kubectl-which, which has: one");
    world.apply("two", json!({})).await;
    let error = says(&world, &["tree"]).await.expect_err("both");
    assert_eq!(error, "there are several Stores in namespace kubectl-which, name one of them: one, two");
}

/// A kubeconfig of somebody who may do this in the world's namespace, and nothing anywhere else.
async fn somebody_who_may(world: &World, what: &Value) -> tempfile::NamedTempFile {
    let metadata = json!({"name": "somebody"});
    let role: Role = serde_json::from_value(json!({"metadata": metadata, "rules": what})).expect("a Role");
    let binding: RoleBinding = serde_json::from_value(json!({
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "somebody"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": world.namespace}],
    }))
    .expect("a RoleBinding");
    let roles: Api<Role> = Api::namespaced(world.client.clone(), &world.namespace);
    roles.create(&PostParams::default(), &role).await.expect("created");
    let bindings: Api<RoleBinding> = Api::namespaced(world.client.clone(), &world.namespace);
    bindings.create(&PostParams::default(), &binding).await.expect("created");
    let text = std::fs::read_to_string(kubeconfig_path().await).expect("a kubeconfig");
    let mut kubeconfig: Value = serde_json::from_str(&text).expect("JSON, which is YAML");
    kubeconfig["users"][0]["user"]["as"] = json!(world.namespace);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), kubeconfig.to_string()).expect("written");
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_in_the_namespace_are_enough_and_those_that_are_missing_are_named() {
    let world = World::new("kubectl-rights").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let what = json!([
        {"apiGroups": ["shopkeeper.dev"], "resources": ["stores"], "verbs": ["get"]},
        {"apiGroups": ["apps"], "resources": ["deployments", "replicasets", "statefulsets"], "verbs": ["list"]},
    ]);
    let somebody = somebody_who_may(&world, &what).await;
    let (_, text) = eventually("the rights to be in force", || async {
        let said = says_with(somebody.path(), &world, &["tree", "demo"]).await?;
        if said.1.contains("deployments") { Err(said.1) } else { Ok(said) }
    })
    .await;
    assert!(text.contains("├─ Deployment/demo-cart ") && !text.contains("Secret/"), "{text}");
    let note =
        text.lines().find(|line| line.starts_with("not shown, as you may not list them here: ")).expect("a note");
    assert!(note.contains("secrets") && !note.contains("replicasets"), "{note}");
    assert_eq!(says_with(somebody.path(), &world, &["status", "demo"]).await.expect("a status").0, Answer::Well);

    let error = says_with(somebody.path(), &world, &["pause", "demo"]).await.expect_err("no right");
    assert!(error.starts_with("you may not patch stores in namespace kubectl-rights"), "{error}");
    let error = says_with(somebody.path(), &world, &["status", "other"]).await.expect_err("no Store");
    assert!(error.ends_with("which there are, you may not list"), "{error}");
    operator.stop().await;
}
