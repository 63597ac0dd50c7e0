//! Two replicas: only one of them works.

use std::time::Duration;

use clap::Parser;
use serde_json::json;
use shopkeeper_operator::{args::Args, client::client, lease::Lease, metrics::Metrics};

use crate::support::{Operator, World, eventually};

fn args(world: &World, identity: &str) -> Args {
    let seconds = ["operator", "--lease-seconds", "6", "--identity", identity];
    Args::parse_from(seconds.into_iter().chain(["--lease-namespace", &world.namespace]))
}

/// Claims the Lease, then works, as the process does.
async fn replica(world: &World, identity: &str) -> (Lease, Metrics, kube::Client) {
    let metrics = Metrics::new().expect("metrics");
    let client = client(crate::support::config().await, &metrics).expect("a client");
    let lease = Lease::claim(client.clone(), &args(world, identity), metrics.clone()).await.expect("a claim");
    (lease, metrics, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_replica_that_holds_the_lease_works() {
    let world = World::new("leadership").await;
    let (mut first, first_metrics, first_client) = replica(&world, "first").await;
    first.wait_until_held().await.expect("the Lease");
    let operator = Operator::start(first_client, world.settings(), first_metrics.clone());
    let (mut second, second_metrics, _) = replica(&world, "second").await;
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let waits = tokio::time::timeout(Duration::from_secs(8), second.wait_until_held()).await;
    assert!(waits.is_err(), "the second replica took a Lease that is held");
    assert_eq!(second_metrics.total_writes(), 0);
    assert_eq!((first_metrics.leader.get(), second_metrics.leader.get()), (1, 0));

    operator.stop().await;
    first.release().await;
    tokio::time::timeout(Duration::from_secs(15), second.wait_until_held()).await.expect("in time").expect("the Lease");
    eventually("the metric", || async { if second_metrics.leader.get() == 1 { Ok(()) } else { Err(String::new()) } })
        .await;
    second.release().await;
}
