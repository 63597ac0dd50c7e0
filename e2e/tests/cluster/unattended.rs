//! Customers who are none, from within the cluster. It comes after all that looks at figures: Prometheus restarts when there is one job more, and forgets.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kube::Client;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::kubernetes::{DEMO, SHOP, client, no_scratch_is_left, ready, stores};

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_run_without_a_page_leaves_its_report_and_says_by_its_end_whether_the_levels_were_met() {
    let client = client().await;
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    // Once for both runs, each of which would make it and take it away again.
    load_test(&client, true).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let run = |rate: &str| {
        let mut script = Command::new(root.join("scripts/promises"));
        script.envs([("MIXES", "Catalog"), ("USERS", "4"), ("RUN_TIME", "10s"), ("LEVEL_RATE", rate)]);
        // Nobody promises how long an answer takes beside all other tests.
        let script = script.envs([("LEVEL_P95", "1h"), ("LEVEL_P99", "1h")]).output().expect("the script can be run");
        (
            script.status.code(),
            format!("{}{}", String::from_utf8_lossy(&script.stdout), String::from_utf8_lossy(&script.stderr)),
        )
    };
    let kept = run("1");
    let report = std::fs::read_to_string(root.join("target/promises/Catalog.html"));
    let missed = run("1000000");
    // Before anything can fail: it must not stay beside the sample shop.
    load_test(&client, false).await;
    let (code, said) = kept;
    assert_eq!(code, Some(0), "{said}");
    let report = report.expect("a report");
    assert!(report.contains("</html>") && report.contains("/api/products"), "{} bytes", report.len());
    let (code, said) = missed;
    assert_eq!(code, Some(1), "four customers can't ask so often: {said}");
    assert!(said.contains("MISSED") && said.contains("Not kept: Catalog"), "{said}");
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    // It is the last of all: what the others removed is to be gone.
    no_scratch_is_left(&client).await;
}

async fn load_test(client: &Client, enabled: bool) {
    let patch = json!({"spec": {"loadTest": {"enabled": enabled}}});
    let patched = stores(client, SHOP).patch(DEMO, &PatchParams::default(), &Patch::Merge(&patch)).await;
    patched.expect("the Store can be changed");
}
