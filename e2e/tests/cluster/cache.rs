//! The caches on a cluster: policies that travel, keys that expire on three replicas, and every pattern at work.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shopkeeper_e2e::cache_walk::{self, Walk};
use shopkeeper_e2e::cluster::Cluster;
use shopkeeper_e2e::shop::{Silent, Visitor};

use crate::kubernetes::{DEMO, SHOP, client, ready, shop_url};

const SERVICES: [&str; 4] = ["catalog", "cart", "order", "user"];

async fn cluster() -> Cluster {
    let client = client().await;
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    Cluster::connect(SHOP, DEMO).await.expect("KUBECONFIG leads to the cluster of `make up`")
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn every_caching_pattern_does_what_it_says_also_in_a_stampede_and_without_redis() {
    let visitor = Visitor::new(&shop_url(), Silent).expect("a client can be made");
    let mut walk = Walk::begin(&shop_url(), visitor, cluster().await).await.expect("the customers can log in");
    cache_walk::walk(&mut walk).await.expect("every pattern does what it says");
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_changed_policy_is_in_force_on_every_pod_and_none_is_restarted() {
    const CHANGES: u64 = 20;
    let cluster = cluster().await;
    let before = pods(&cluster).await;
    let mut times = Vec::new();
    for change in 1..=CHANGES {
        let policy = json!({"ttl": format!("{}s", 600 + change)});
        times.push(cluster.set_policy("products", &policy).await.expect("all pods take the policy over"));
    }
    let store = cluster.store().await.expect("the Store can be read");
    let status = store.data.pointer("/status/cache").and_then(Value::as_array).cloned().unwrap_or_default();
    let products = status.iter().find(|cache| cache["name"] == "products").expect("the status tells of the cache");
    // The status counts the pods of the service that keeps the cache; the condition speaks of all.
    let keepers = cluster.replicas("catalog").await.expect("pods can be listed").len();
    assert_eq!(products["podsApplied"], format!("{keepers}/{keepers}"), "{products}");
    cluster.set_policy("products", &Value::Null).await.expect("all pods take the default back");
    assert_eq!(pods(&cluster).await, before, "the same pods, not restarted");
    times.sort();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64();
    println!(
        "{CHANGES} policy changes, from the patch to the status that says that all {} pods have it: \
         median {:.2} s, p95 {:.2} s, slowest {:.2} s",
        before.len(),
        at(50),
        at(95),
        at(100)
    );
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_hot_key_that_expires_on_three_replicas_under_load_is_read_from_the_database_once_each_time() {
    const LIFETIME: Duration = Duration::from_secs(2);
    const EXPIRIES: u32 = 6;
    let cluster = cluster().await;
    let replicas = |count: u32| json!({"spec": {"services": {"catalog": {"replicas": count}}}});
    cluster.patch(&replicas(3)).await.expect("the catalog can be scaled");
    cluster.until("three replicas", async || Ok(cluster.replicas("catalog").await?.len() == 3)).await.expect("three");
    let short = json!({
        "ttl": "2s", "jitterPercent": 0, "staleIfError": "0s", "local": {"ttl": "500ms", "maxEntries": 1000},
    });
    cluster.set_policy("products", &short).await.expect("all pods take the policy over");

    let url = format!("{}/api/products/42", shop_url());
    reqwest::get(&url).await.expect("the shop answers");
    let loads = cluster.figure("catalog", "products", "loads").await.expect("the pods tell their figures");
    let until = Instant::now() + LIFETIME * EXPIRIES;
    let visitors: Vec<_> = (0..12).map(|_| tokio::spawn(ask_until(url.clone(), until))).collect();
    let mut answers = 0;
    for visitor in visitors {
        answers += visitor.await.expect("no visitor panics");
    }
    let loads = cluster.figure("catalog", "products", "loads").await.expect("the pods tell their figures") - loads;

    cluster.set_policy("products", &Value::Null).await.expect("all pods take the default back");
    cluster.patch(&replicas(2)).await.expect("the catalog can be scaled");
    cluster.until("two replicas", async || Ok(cluster.replicas("catalog").await?.len() == 2)).await.expect("two");
    println!("{answers} answers from 3 replicas over {EXPIRIES} lifetimes of a key: {loads} loads");
    assert!((1..=i64::from(EXPIRIES)).contains(&loads), "{loads} loads in {EXPIRIES} lifetimes");
}

/// Asks again and again; how often it was answered. Every answer must be good.
async fn ask_until(url: String, until: Instant) -> usize {
    let (http, mut answers) = (reqwest::Client::new(), 0);
    while Instant::now() < until {
        let answer = http.get(&url).send().await.expect("the shop answers");
        assert!(answer.status().is_success(), "{}", answer.status());
        answers += 1;
    }
    answers
}

async fn pods(cluster: &Cluster) -> Vec<(String, i32)> {
    let mut pods = Vec::new();
    for service in SERVICES {
        pods.extend(cluster.restarts(service).await.expect("pods can be read"));
    }
    pods
}
