//! A Store in which nothing changes costs the API server nothing.

use std::collections::BTreeMap;
use std::time::Duration;

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
const QUIET: Duration = Duration::from_secs(60);
/// How many minutes there may be before a quiet one.
const MINUTES: usize = 6;

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_store_at_rest_causes_no_write_for_a_minute() {
    let client = client().await;
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    // What the tests before this one did goes on for a while: a share of hits over the last minutes is told anew until they are over. A store
    // that writes by itself has no quiet minute at all.
    let mut before = writes(&client).await;
    for _ in 0..MINUTES {
        tokio::time::sleep(QUIET).await;
        let after = writes(&client).await;
        if after == before {
            return;
        }
        before = after;
    }
    panic!("the API server counted writes in each of {MINUTES} minutes: {before:?}");
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
