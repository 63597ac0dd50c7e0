//! How long a change waits that is made at the moment at which the leader is stopped.

use std::time::{Duration, Instant};

use crate::{
    cluster::{Cluster, namespace},
    figures::Handover,
    operator::Operator,
    watched::Watched,
};

/// Kills leaders, and stops them in order.
pub(crate) async fn all(cluster: &Cluster, watched: &Watched, repeats: usize) -> anyhow::Result<Vec<Handover>> {
    let mut killed = Vec::new();
    let mut stopped = Vec::new();
    let mut leader = Operator::start(cluster, "replica-0")?;
    leader.leading().await?;
    let mut replica = 0;
    for kill in [true, false] {
        for _ in 0..repeats {
            replica += 1;
            let standby = Operator::start(cluster, &format!("replica-{replica}"))?;
            leader.calm(0.0).await?;
            standby.warm().await?;
            let begun = Instant::now();
            if kill {
                leader.kill()?;
            } else {
                leader.terminate()?;
            }
            let waited = change(cluster, watched, replica, begun).await?;
            standby.leading().await?;
            // Whichever is later: one that ends in order may still see to the change itself.
            let waited = if kill { waited } else { waited.max(begun.elapsed()) };
            if kill {
                killed.push(waited);
            } else {
                stopped.push(waited);
            }
            leader = standby;
        }
    }
    killed.sort();
    stopped.sort();
    Ok(vec![Handover { signal: "SIGKILL", times: killed }, Handover { signal: "SIGTERM", times: stopped }])
}

async fn change(cluster: &Cluster, watched: &Watched, count: usize, begun: Instant) -> anyhow::Result<Duration> {
    let number = count % cluster.stores();
    let (generation, _) = cluster.change_order(number).await?;
    Ok(watched.observed(&namespace(number), generation).await?.duration_since(begun))
}
