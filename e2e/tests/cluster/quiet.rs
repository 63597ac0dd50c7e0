//! A Store in which nothing changes costs the API server nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::Request;
use kube::Client;
use serde_json::Value;

use crate::kubernetes::{DEMO, SHOP, client, no_scratch_is_left, ready, stores};

/// What an operator writes. Leases are left out: they are the operator's heartbeat.
const WRITTEN: [&str; 12] = [
    "configmaps",
    "cronjobs",
    "deployments",
    "events",
    "horizontalpodautoscalers",
    "jobs",
    "poddisruptionbudgets",
    "secrets",
    "serviceaccounts",
    "services",
    "statefulsets",
    "stores",
];
const MINUTE: Duration = Duration::from_secs(60);
/// Within this time every pod was asked for its hits once more, and what came of it was told.
const ROUND: Duration = Duration::from_secs(70);
/// How long what is still settling is given.
const SETTLES_WITHIN: Duration = Duration::from_secs(120);

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_store_at_rest_causes_no_write_for_a_minute() {
    let client = client().await;
    no_scratch_is_left(&client).await;
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    let told = shares(&client).await;
    let before = settled(&client).await;
    // The last customers' share of hits may still have to be told: once, and nothing else.
    tokio::time::sleep(ROUND).await;
    let between = writes(&client).await;
    let mut once = before.clone();
    *once.entry("APPLY stores".to_owned()).or_default() += 1;
    let was_told = shares(&client).await != told;
    assert!(between == before || was_told && between == once, "more than the share of hits: {before:?} {between:?}");
    tokio::time::sleep(MINUTE).await;
    assert_eq!(between, writes(&client).await, "the API server counted writes in a quiet minute");
}

/// What the status tells of the caches.
async fn shares(client: &Client) -> [Option<Value>; 2] {
    let store = stores(client, SHOP).get(DEMO).await.expect("the Store can be read");
    ["/status/hitRatio", "/status/cache"].map(|path| store.data.pointer(path).cloned())
}

/// The writes so far, once there were none for some seconds.
async fn settled(client: &Client) -> BTreeMap<String, u64> {
    let began = Instant::now();
    loop {
        let before = writes(client).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        if writes(client).await == before {
            return before;
        }
        assert!(began.elapsed() < SETTLES_WITHIN, "there are writes without end: {before:?}");
    }
}

/// Writes by resource and verb since the API server started, from its own counters.
async fn writes(client: &Client) -> BTreeMap<String, u64> {
    let request = Request::get("/metrics").body(Vec::new()).expect("a valid request");
    let metrics = client.request_text(request).await.expect("the API server tells its metrics");
    let mut counted = BTreeMap::new();
    for line in metrics.lines().filter(|line| line.starts_with("apiserver_request_total{")) {
        let label = |name: &str| line.split_once(&format!("{name}=\""))?.1.split_once('"').map(|(value, _)| value);
        let (Some(verb), Some(resource)) = (label("verb"), label("resource")) else { continue };
        let is_write =
            matches!(verb, "APPLY" | "CREATE" | "DELETE" | "DELETECOLLECTION" | "PATCH" | "POST" | "PUT" | "UPDATE");
        // The kubelet renews the tokens that are in pods, each after 48 minutes.
        let is_of_kubelet = label("subresource") == Some("token");
        if is_write && WRITTEN.contains(&resource) && !is_of_kubelet {
            let count = line.rsplit_once(' ').and_then(|(_, count)| count.parse::<u64>().ok()).unwrap_or(0);
            *counted.entry(format!("{verb} {resource}")).or_default() += count;
        }
    }
    counted
}
