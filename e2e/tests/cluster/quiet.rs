//! A Store in which nothing changes costs the API server nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::Request;
use kube::Client;

use crate::kubernetes::{DEMO, SHOP, client, ready};

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
/// Two rounds of asking, and one to see that nothing comes of them.
const SETTLES_WITHIN: Duration = Duration::from_secs(180);

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_store_at_rest_causes_no_write_for_a_minute() {
    let client = client().await;
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    // Pods are asked for their hits once a minute, so what the tests before this one did may still have to be told. A minute without a write is
    // waited for, and it is the one after it that counts.
    let settled = Instant::now();
    let mut before = writes(&client).await;
    loop {
        tokio::time::sleep(MINUTE).await;
        let after = writes(&client).await;
        if after == before {
            break;
        }
        assert!(
            settled.elapsed() < SETTLES_WITHIN,
            "the API server counted writes in every minute: {before:?} {after:?}"
        );
        before = after;
    }
    tokio::time::sleep(MINUTE).await;
    assert_eq!(before, writes(&client).await, "the API server counted writes in a quiet minute");
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
        if is_write && WRITTEN.contains(&resource) {
            let count = line.rsplit_once(' ').and_then(|(_, count)| count.parse::<u64>().ok()).unwrap_or(0);
            *counted.entry(format!("{verb} {resource}")).or_default() += count;
        }
    }
    counted
}
