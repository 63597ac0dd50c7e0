//! The chart's rules are what the operator needs, no less and no more.

use std::{collections::BTreeSet, time::Duration};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use shopkeeper_api::Store;
use shopkeeper_operator::{client::USER_AGENT_NAME, kind::Kind, lease::Role};
use strum::IntoEnumIterator;

use crate::{
    optional_kinds::{crd, put},
    stores::lax_crd,
    support::{FakePod, Manner, Replica, Request, Rule, Strict, World, children, eventually, lease_settings, rules},
};

pub const NAMESPACE: &str = "shopkeeper-system";
pub const ACCOUNT: &str = "shopkeeper";

/// A Secret that no Store names.
const PRIVATE: &str = "private";

/// What admission asks for, which no request shows: the API server of these tests polices owner references, so without it children are refused.
const ASKED_BY_ADMISSION: [(&str, &str, &str); 1] = [("shopkeeper.dev", "stores/finalizers", "update")];

/// Puts the accounts and roles of the chart into the cluster.
pub async fn install(strict: &Strict, documents: &[Value]) {
    strict.apply(&[json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})]);
    let access = ["ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"];
    let wanted = |document: &&Value| document["kind"].as_str().is_some_and(|kind| access.contains(&kind));
    let documents: Vec<_> = documents.iter().filter(wanted).cloned().collect();
    strict.apply(&documents);
    allowed(strict, &["watch", "leases/shopkeeper", "--namespace", NAMESPACE]).await;
}

/// Waits until the operator may do something: the API server hears of new rules with a delay.
pub async fn allowed(strict: &Strict, what: &[&str]) {
    let account = format!("--as=system:serviceaccount:{NAMESPACE}:{ACCOUNT}");
    let arguments: Vec<&str> =
        ["auth", "can-i"].into_iter().chain(what.iter().copied()).chain([account.as_str()]).collect();
    eventually(&format!("leave to {what:?}"), || async {
        let (may, said) = strict.kubectl(&arguments);
        if may { Ok(()) } else { Err(said) }
    })
    .await;
}

/// Something that an older operator may have made for the Store, and that this one does not know.
async fn left_behind(world: &World, store: &Store) -> Vec<(Kind, String)> {
    let mut made = Vec::new();
    let like = children(&world.client, &world.namespace).await;
    for kind in Kind::iter().filter(|kind| ![Kind::PersistentVolumeClaim, Kind::Cluster].contains(kind)) {
        let (_, child) = like.iter().find(|((it, _), _)| *it == kind).expect("a child of each kind");
        let mut object = child.object.clone();
        let name = format!("demo-former-{}", kind.to_string().to_lowercase());
        let meta = &object.metadata;
        object.metadata = kube::api::ObjectMeta {
            name: Some(name.clone()),
            labels: meta.labels.clone(),
            owner_references: kube::Resource::controller_owner_ref(store, &()).map(|owner| vec![owner]),
            ..Default::default()
        };
        if kind == Kind::Service {
            object.data["spec"] = json!({"ports": [{"port": 80}]});
        }
        if kind == Kind::Job {
            let template = object.data["spec"]["template"]["spec"].clone();
            object.data["spec"] = json!({"template": {"spec": template}});
        }
        if let Some(fields) = object.data.as_object_mut() {
            fields.remove("status");
        }
        let api: Api<DynamicObject> = Api::namespaced_with(world.client.clone(), &world.namespace, &kind.resource());
        api.create(&PostParams::default(), &object).await.expect("something left behind");
        made.push((kind, name));
    }
    made
}

async fn gone(world: &World, left: &[(Kind, String)]) {
    eventually("what was left behind to go", || async {
        let there = children(&world.client, &world.namespace).await;
        let left: Vec<_> = left.iter().filter(|key| there.contains_key(*key)).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
}

/// Somebody else changes a child, and it is put right.
async fn drifts(world: &World, replicas: i32) {
    let deployments: Api<DynamicObject> =
        Api::namespaced_with(world.client.clone(), &world.namespace, &Kind::Deployment.resource());
    let before = deployments.get("demo-user").await.expect("the child").data["spec"]["replicas"].clone();
    let patch = json!({"spec": {"replicas": replicas}});
    deployments.patch("demo-user", &PatchParams::default(), &Patch::Merge(patch)).await.expect("to patch");
    eventually("the drift to be put right", || async {
        let now = deployments.get("demo-user").await.expect("the child").data["spec"]["replicas"].clone();
        if now == before { Ok(()) } else { Err(now.to_string()) }
    })
    .await;
}

/// Everything that an operator does, once.
async fn a_whole_life(world: &mut World, pod: &FakePod) {
    let full = json!({
        "profile": "Standard", "demo": {"products": 1, "users": true},
        "services": {"cart": {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}}},
        "gateway": {"ingress": {}, "httpRoute": {"parentRefs": [{"name": "public"}]}},
        "database": {"managed": {"backup": {}}},
        "monitoring": {},
    });
    world.apply("demo", full).await;
    world.apply("clustered", json!({"database": {"cloudNativePg": {"instances": 3}}})).await;
    let clusters: Api<DynamicObject> =
        Api::namespaced_with(world.client.clone(), &world.namespace, &Kind::Cluster.resource());
    eventually("the database's cluster to be made", || async {
        let made = clusters.get_opt("clustered-postgres").await.map_err(|error| error.to_string())?;
        made.map(drop).ok_or_else(|| "not there".to_owned())
    })
    .await;
    let store = world.ready("demo").await;
    world.until("demo", "CachePolicyApplied", "True").await;
    assert!(pod.counts().1 > 0, "the pod was not touched");
    // The second time, the event about it is counted up.
    drifts(world, 7).await;
    drifts(world, 8).await;
    gone(world, &left_behind(world, &store).await).await;

    let annotate = async |annotations: Value| {
        let patch = json!({"metadata": {"annotations": annotations}});
        world.stores().patch("demo", &PatchParams::default(), &Patch::Merge(patch)).await.expect("annotated");
    };
    annotate(json!({"shopkeeper.dev/rotate-signing-key": "now"})).await;
    annotate(json!({"shopkeeper.dev/paused": "true"})).await;
    world.until("demo", "Paused", "True").await;
    annotate(json!({"shopkeeper.dev/paused": null})).await;
    world.apply("demo", json!({"redis": {"external": {"secretRef": {"name": "mine"}}}})).await;
    world.until("demo", "Degraded", "True").await;
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine"}, "stringData": {"url": "redis://elsewhere:6379"}});
    let secrets: Api<DynamicObject> =
        Api::namespaced_with(world.client.clone(), &world.namespace, &Kind::Secret.resource());
    secrets.patch("mine", &PatchParams::apply("test"), &Patch::Apply(secret)).await.expect("a Secret");
    world.ready("demo").await;
    world.stores().delete("demo", &DeleteParams::default()).await.expect("to delete");
}

/// A Store that cannot be read, which a CRD without rules lets in.
async fn an_unreadable_store(world: &World) {
    let crds: Api<CustomResourceDefinition> = Api::all(world.client.clone());
    let lax = serde_json::to_value(lax_crd()).expect("JSON");
    let patch = json!({"spec": {"versions": lax["spec"]["versions"]}});
    crds.patch("stores.shopkeeper.dev", &PatchParams::default(), &Patch::Merge(patch)).await.expect("a lax CRD");
    let stores: Api<DynamicObject> =
        Api::namespaced_with(world.client.clone(), &world.namespace, &ApiResource::erase::<Store>(&()));
    let store = json!({
        "apiVersion": "shopkeeper.dev/v1alpha1", "kind": "Store", "metadata": {"name": "unreadable"},
        "spec": {"profile": "Huge"},
    });
    eventually("the unreadable Store to be let in", || async {
        let put = stores.patch("unreadable", &PatchParams::apply("test"), &Patch::Apply(&store)).await;
        put.map(drop).map_err(|error| error.to_string())
    })
    .await;
    eventually("the unreadable Store to be told", || async {
        let status = stores.get("unreadable").await.expect("the Store").data["status"].to_string();
        if status.contains("InvalidSpec") { Ok(()) } else { Err(status) }
    })
    .await;
}

/// What the operator asked for as the chart's account, and not `kubectl` in its name.
pub fn of_operator(strict: &Strict) -> Vec<Request> {
    let user = format!("system:serviceaccount:{NAMESPACE}:{ACCOUNT}");
    // Whoever may log in at all may ask which kinds there are, which is about no resource.
    let ours = |request: &Request| {
        request.user == user && request.agent.starts_with(USER_AGENT_NAME) && !request.resource.is_empty()
    };
    strict.requests().into_iter().filter(ours).collect()
}

/// What a request asks for. An apply that made something needs the right to create as well.
fn needs(request: &Request) -> Vec<Rule> {
    let rule =
        |verb: &str| Rule { group: request.group.clone(), resource: request.resource.clone(), verb: verb.to_owned() };
    let created = request.verb == "patch" && request.code == 201;
    [rule(&request.verb)].into_iter().chain(created.then(|| rule("create"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_charts_rules_are_all_used_and_nothing_else_is_asked_for() {
    let strict = Strict::start().await;
    let documents = strict.chart(&[]);
    install(&strict, &documents).await;
    allowed(&strict, &["patch", "secrets", "--all-namespaces"]).await;
    let mut world = World::on(strict.admin().await, "shop").await;
    let crds: Api<CustomResourceDefinition> = Api::all(world.client.clone());
    for kind in Kind::iter().filter(|kind| kind.is_optional()) {
        put(&crds, &crd(kind)).await;
    }
    let pod = FakePod::start(&mut world, "catalog", 0, Manner::Prompt(Duration::from_millis(30))).await;
    let private =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": PRIVATE}, "stringData": {"a": "b"}});
    let secrets: Api<DynamicObject> =
        Api::namespaced_with(world.client.clone(), &world.namespace, &Kind::Secret.resource());
    secrets.patch(PRIVATE, &PatchParams::apply("test"), &Patch::Apply(private)).await.expect("a Secret");

    let account = strict.account(NAMESPACE, ACCOUNT).await;
    let mut settings = world.settings();
    settings.watch_namespaces = Vec::new();
    let replica = |identity: &str| Replica::start(&account, settings.clone(), lease_settings(NAMESPACE, identity, 60));
    let first = replica("first");
    first.until(Role::Holding).await;
    let second = replica("second");
    second.warm().await;
    Box::pin(a_whole_life(&mut world, &pod)).await;
    an_unreadable_store(&world).await;
    first.stop().await;
    second.until(Role::Holding).await;
    second.stop().await;

    let requests = of_operator(&strict);
    let forbidden: Vec<_> = requests.iter().filter(|request| request.code == 403).collect();
    assert!(forbidden.is_empty(), "a rule is missing in charts/shopkeeper/templates: {forbidden:#?}");

    // The rules let it read every Secret, as they know no others.
    let reads = |request: &&Request| request.resource == "secrets" && request.verb == "get";
    let read: BTreeSet<&str> = requests.iter().filter(reads).map(|request| request.name.as_str()).collect();
    assert!(read.contains("mine") && !read.contains(PRIVATE), "{read:?}");

    let ours = |document: &&Value| {
        let name = document["metadata"]["name"].as_str().unwrap_or_default();
        [ACCOUNT, "shopkeeper-lease"].contains(&name) && document["rules"].is_array()
    };
    let allowed: BTreeSet<Rule> = documents.iter().filter(ours).flat_map(rules).collect();
    assert!(allowed.len() > 30, "{allowed:?}");
    let asked: BTreeSet<Rule> = requests.iter().flat_map(needs).collect();
    let by_admission = ASKED_BY_ADMISSION.map(|(group, resource, verb)| Rule {
        group: group.into(),
        resource: resource.into(),
        verb: verb.into(),
    });
    let unused: Vec<_> = allowed.iter().filter(|rule| !asked.contains(rule) && !by_admission.contains(rule)).collect();
    assert!(
        unused.is_empty(),
        "rules of charts/shopkeeper/templates that nothing here needs; take them out, or let this test do what needs them: {unused:#?}"
    );
    let beyond: Vec<_> = asked.difference(&allowed).collect();
    assert!(beyond.is_empty(), "{beyond:#?}");
}
