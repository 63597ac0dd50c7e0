//! Cache policies on their way to pods that answer by themselves.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};
use shopkeeper_api::{PAUSED_ANNOTATION, Store};

use crate::support::{FakePod, Manner, Operator, World, condition, eventually};

const PROMPT: Manner = Manner::Prompt(Duration::from_millis(30));

/// A spec with this ttl of the cache of products.
fn ttl(ttl: &str) -> Value {
    json!({"cache": {"policies": {"products": {"ttl": ttl}}}})
}

/// Waits until the condition, at the current generation, has this reason.
async fn until(world: &World, reason: &str) -> Store {
    eventually(&format!("CachePolicyApplied with reason {reason}"), || async {
        let store = world.store("demo").await;
        let found = condition(&store, "CachePolicyApplied");
        let is =
            found.as_ref().is_some_and(|it| it.reason == reason && it.observed_generation == store.metadata.generation);
        if is { Ok(store) } else { Err(format!("{found:?}")) }
    })
    .await
}

fn message(store: &Store) -> String {
    condition(store, "CachePolicyApplied").map(|condition| condition.message).unwrap_or_default()
}

fn pods_applied(store: &Store, cache: &str) -> String {
    let status = store.status.clone().unwrap_or_default();
    status.cache.into_iter().find(|it| it.name == cache).map(|it| it.pods_applied).unwrap_or_default()
}

/// One pod of each service and two of the catalog.
async fn shop(world: &mut World, manner: Manner) -> Vec<FakePod> {
    let mut pods = Vec::new();
    for (service, number) in [("catalog", 1), ("catalog", 2), ("cart", 1), ("order", 1), ("user", 1)] {
        pods.push(FakePod::start(world, service, number, manner).await);
    }
    pods
}

fn answers(operator: &Operator, outcome: &str) -> u64 {
    operator.metrics.policy_answers.with_label_values(&[outcome]).get()
}

fn all_answers(operator: &Operator) -> u64 {
    ["applied", "other", "rejected", "unsupported", "silent"].iter().map(|outcome| answers(operator, outcome)).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_reaches_every_pod_within_two_seconds_and_the_status_says_so() {
    let mut world = World::new("policy-travels").await;
    let pods = shop(&mut world, PROMPT).await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    until(&world, "Applied").await;
    let mut took = Vec::new();
    for round in 1..=20 {
        let started = Instant::now();
        let generation = world.apply("demo", ttl(&format!("{round}m"))).await.metadata.generation.unwrap_or_default();
        eventually("all pods to run it", || async {
            let all = pods.iter().all(|pod| pod.generation() == generation);
            if all { Ok(()) } else { Err("not yet".to_owned()) }
        })
        .await;
        let store = until(&world, "Applied").await;
        took.push(started.elapsed());
        assert_eq!(message(&store), format!("5 of 5 pods run the cache policies of generation {generation}"));
        assert_eq!((pods_applied(&store, "products"), pods_applied(&store, "cart")), ("2/2".into(), "1/1".into()));
    }
    took.sort_unstable();
    println!("from the Store's change to its status, with pods that need 30 ms: {took:?}");
    assert!(took[18] < Duration::from_secs(2), "{took:?}");
    // The first time there may have been no pod yet, as far as the operator had seen.
    assert!(operator.metrics.policy_seconds.get_sample_count() >= 20);
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_have_acknowledged_are_left_alone_also_after_a_restart_of_the_operator() {
    let mut world = World::new("policy-rests").await;
    let pods = shop(&mut world, PROMPT).await;
    let first = world.operator();
    world.apply("demo", ttl("7m")).await;
    let before = until(&world, "Applied").await;
    world.ready("demo").await;
    let touched: Vec<u32> = pods.iter().map(|pod| pod.counts().1).collect();
    let asked = all_answers(&first);
    // Another change of the Store is none of the policies.
    world
        .apply(
            "demo",
            json!({"services": {"order": {"lifecycle": {"processingAfter": "6s"}}}, "cache": ttl("7m")["cache"]}),
        )
        .await;
    let after = until(&world, "Applied").await;
    world.ready("demo").await;
    assert_eq!(message(&after), message(&before), "the generation in which the policies changed last");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(all_answers(&first), asked, "nobody is asked while nothing happens");
    first.stop().await;

    let settled = world.store("demo").await;
    let second = world.operator();
    eventually("every pod to be asked once", || async {
        let applied = answers(&second, "applied");
        if applied == 5 { Ok(()) } else { Err(format!("{applied}")) }
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(pods.iter().map(|pod| pod.counts().1).collect::<Vec<_>>(), touched, "nobody was touched");
    assert_eq!((answers(&second, "applied"), second.writes()), (5, 0));
    assert_eq!(world.store("demo").await.status, settled.status);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_came_while_the_operator_was_away_is_brought_after_it() {
    let mut world = World::new("policy-away").await;
    let pods = shop(&mut world, PROMPT).await;
    let first = world.operator();
    world.apply("demo", ttl("7m")).await;
    until(&world, "Applied").await;
    first.kill().await;
    let generation = world.apply("demo", ttl("8m")).await.metadata.generation.unwrap_or_default();
    let second = world.operator();
    until(&world, "Applied").await;
    assert!(pods.iter().all(|pod| pod.generation() == generation));
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_whose_mounts_were_refreshed_too_early_is_touched_again() {
    let mut world = World::new("policy-hesitant").await;
    let pod = FakePod::start(&mut world, "catalog", 1, Manner::Hesitant(3)).await;
    let operator = world.operator();
    world.apply("demo", ttl("7m")).await;
    until(&world, "Applied").await;
    let touched = pod.counts().1;
    assert!((3..6).contains(&touched), "{touched}");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_rejects_is_named_with_its_reason_and_the_others_have_it_all_the_same() {
    let mut world = World::new("policy-rejected").await;
    let good = FakePod::start(&mut world, "catalog", 1, PROMPT).await;
    let bad = FakePod::start(&mut world, "catalog", 2, Manner::Rejecting).await;
    let operator = world.operator();
    let generation = world.apply("demo", ttl("7m")).await.metadata.generation.unwrap_or_default();
    let store = until(&world, "Rejected").await;
    let said = message(&store);
    assert!(
        said.contains("demo-catalog-2 (unknown variant `Telepathic`)") && said.starts_with("1 of 2 pods"),
        "{said}"
    );
    assert_eq!(
        (pods_applied(&store, "products").as_str(), good.generation(), bad.generation()),
        ("1/2", generation, 0)
    );
    assert_eq!(condition(&world.ready("demo").await, "Ready").expect("Ready").status, "True");
    // Its next version can use them.
    bad.behave(PROMPT);
    bad.restart().await;
    until(&world, "Applied").await;
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_is_silent_or_too_old_is_named_and_counts_no_more_when_it_is_gone() {
    let mut world = World::new("policy-silent").await;
    let _good = FakePod::start(&mut world, "cart", 1, PROMPT).await;
    let silent = FakePod::start(&mut world, "user", 1, Manner::Silent).await;
    let old = FakePod::start(&mut world, "order", 1, Manner::Old).await;
    let operator = world.operator();
    world.apply("demo", ttl("7m")).await;
    let words =
        ["1 of 3 pods", "demo-order-1 (its image is too old to be asked)", "demo-user-1 (no answer within 500ms)"];
    eventually("both to be named", || async {
        let said = message(&until(&world, "Waiting").await);
        if words.iter().all(|word| said.contains(word)) { Ok(()) } else { Err(said) }
    })
    .await;
    assert_eq!(old.counts().1, 0, "a touch is of no use to it");
    silent.delete().await;
    old.delete().await;
    let store = until(&world, "Applied").await;
    assert!(message(&store).starts_with("1 of 1 pods"), "{}", message(&store));
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_pod_and_a_restarted_one_are_asked_and_brought_up_to_date() {
    let mut world = World::new("policy-new").await;
    let first = FakePod::start(&mut world, "catalog", 1, PROMPT).await;
    let operator = world.operator();
    let generation = world.apply("demo", ttl("7m")).await.metadata.generation.unwrap_or_default();
    until(&world, "Applied").await;
    let second = FakePod::start(&mut world, "catalog", 2, PROMPT).await;
    eventually("the new pod to count", || async {
        let said = message(&until(&world, "Applied").await);
        if said.starts_with("2 of 2") { Ok(()) } else { Err(said) }
    })
    .await;
    first.restart().await;
    eventually("the restarted pod to be up to date", || async {
        let now = (first.generation(), second.generation());
        if now == (generation, generation) { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;
    until(&world, "Applied").await;
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_pods_the_status_says_so() {
    let world = World::new("policy-no-pods").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    let store = until(&world, "NoPods").await;
    assert_eq!(pods_applied(&store, "products"), "0/0");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_somebody_changed_is_repaired_and_the_pods_are_asked_again() {
    let mut world = World::new("policy-drift").await;
    let pods = shop(&mut world, PROMPT).await;
    let operator = world.operator();
    world.apply("demo", ttl("7m")).await;
    until(&world, "Applied").await;
    let configs: Api<ConfigMap> = Api::namespaced(world.client.clone(), &world.namespace);
    let before = configs.get("demo-cache-policy").await.expect("the document").data;
    let asked: Vec<u32> = pods.iter().map(|pod| pod.counts().0).collect();
    let mine = Patch::Merge(json!({"data": {"policy.json": "mine"}}));
    configs.patch("demo-cache-policy", &PatchParams::default(), &mine).await.expect("to patch");
    eventually("the document to be repaired", || async {
        let now = configs.get("demo-cache-policy").await.expect("the document").data;
        if now == before { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;
    eventually("everybody to be asked again", || async {
        let all = pods.iter().zip(&asked).all(|(pod, asked)| pod.counts().0 > *asked);
        if all { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
    until(&world, "Applied").await;
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_store_keeps_its_policies_to_itself() {
    let mut world = World::new("policy-paused").await;
    let pod = FakePod::start(&mut world, "catalog", 1, PROMPT).await;
    let operator = world.operator();
    let generation = world.apply("demo", ttl("7m")).await.metadata.generation.unwrap_or_default();
    until(&world, "Applied").await;
    let paused = |value: Value| Patch::Merge(json!({"metadata": {"annotations": {PAUSED_ANNOTATION: value}}}));
    world.stores().patch("demo", &PatchParams::default(), &paused(json!("true"))).await.expect("to pause");
    world.until("demo", "Paused", "True").await;
    world.apply("demo", ttl("8m")).await;
    world.until("demo", "Paused", "True").await;
    assert_eq!(pod.generation(), generation);
    world.stores().patch("demo", &PatchParams::default(), &paused(Value::Null)).await.expect("to go on");
    until(&world, "Applied").await;
    assert!(pod.generation() > generation);
    operator.stop().await;
}
