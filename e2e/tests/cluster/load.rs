//! Customers who shop on while the shop is updated and its pods are killed: no request fails, and everything adds up afterwards.

use std::time::Duration;

use serde_json::Value;
use shopkeeper_e2e::cluster::faults::SERVICES;
use shopkeeper_e2e::cluster::{Cluster, ClusterError};
use shopkeeper_e2e::load::{self, Clock, Load, Shelf};

use crate::kubernetes::{DEMO, SHOP, client, ready, shop_url};

const CUSTOMERS: usize = 12;

/// Four products of which there is enough, and two that some do not get.
const STOCKS: [i64; 6] = [100_000, 100_000, 100_000, 100_000, 40, 15];

/// A while in which nothing happens, so that the load is at its height when something does.
const CALM: Duration = Duration::from_secs(2);

/// A shop with two pods of every service.
struct Doubled {
    cluster: Cluster,
    before: Value,
}

impl Doubled {
    async fn new() -> Self {
        ready(&client().await, SHOP, DEMO, Duration::from_secs(120)).await;
        let cluster = Cluster::connect(SHOP, DEMO).await.expect("KUBECONFIG leads to the cluster of `make up`");
        let before = cluster.replicate(2).await.expect("every service has two pods");
        Self { cluster, before }
    }

    async fn give_back(self) {
        self.cluster.give_back(&self.before).await.expect("the shop is as it was");
    }
}

/// Lets customers shop while `trouble` goes on; none of them may notice.
async fn nobody_notices(cluster: &Cluster, trouble: impl AsyncFnOnce(&Cluster) -> Result<(), ClusterError>) {
    let mut admin = load::administrator(&shop_url()).await.expect("the administrator can log in");
    let shelf = Shelf::fill(&mut admin, &STOCKS).await.expect("products can be added");
    let crowd = load::crowd(&shop_url(), CUSTOMERS).await.expect("customers can register");
    let (running, clock) = (Load::start(crowd, &shelf), Clock::start());
    tokio::time::sleep(CALM).await;
    let trouble = trouble(cluster).await;
    tokio::time::sleep(CALM).await;
    let (customers, histories) = running.stop().await.expect("the customers come out again");
    println!("{}", load::summary(&histories, clock.elapsed()));
    for failure in histories.iter().flat_map(|history| &history.failures) {
        println!("failed at {:.2} s: {}: {}", failure.at.as_secs_f64(), failure.asked, failure.came);
    }
    let audit = load::audit(&customers, &histories, &shelf).await.expect("orders, stock and carts agree");
    println!(
        "{} orders, each once, with {} pieces, which the stock lacks; nothing is pending",
        audit.orders, audit.pieces
    );
    shelf.clear(&mut admin).await.expect("products can be withdrawn");
    trouble.expect("the trouble was as planned");
    let failed: usize = histories.iter().map(|history| history.failures.len()).sum();
    assert_eq!(failed, 0, "requests failed");
    assert!(audit.orders >= CUSTOMERS, "there was something to lose: {} orders", audit.orders);
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_rolling_update_of_every_service_and_the_gateway_at_once_fails_no_request() {
    let shop = Doubled::new().await;
    nobody_notices(&shop.cluster, async |cluster| {
        let everything = || SERVICES.into_iter().chain(["gateway"]);
        for component in everything() {
            cluster.roll(component).await?;
        }
        for component in everything() {
            cluster.settled(component, None).await?;
        }
        Ok(())
    })
    .await;
    shop.give_back().await;
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_killed_process_of_each_service_fails_no_request() {
    let shop = Doubled::new().await;
    nobody_notices(&shop.cluster, async |cluster| {
        for service in SERVICES {
            let victim = cluster.replicas(service).await?.remove(0);
            let before = cluster.restarts(service).await?;
            cluster.crash(&victim).await?;
            cluster
                .until("the killed process was started again", async || {
                    let restarts = cluster.restarts(service).await?;
                    Ok(restarts.len() == before.len() && restarts != before)
                })
                .await?;
        }
        Ok(())
    })
    .await;
    shop.give_back().await;
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_pod_of_each_service_that_vanishes_fails_no_request() {
    let shop = Doubled::new().await;
    nobody_notices(&shop.cluster, async |cluster| {
        for service in SERVICES {
            let victim = cluster.replicas(service).await?.remove(0);
            cluster.vanish(&victim).await?;
            cluster.settled(service, Some(2)).await?;
        }
        Ok(())
    })
    .await;
    shop.give_back().await;
}
