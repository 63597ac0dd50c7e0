//! How long it takes until a deleted child is there again.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams},
};

use crate::{
    cluster::{Cluster, namespace},
    figures::Repair,
    measure::kinds,
};

const LIMIT: Duration = Duration::from_secs(60);

/// Deletes children of every kind that the first Stores have.
pub(crate) async fn all(cluster: &Cluster, repeats: usize) -> anyhow::Result<Vec<Repair>> {
    let mut repairs = Vec::new();
    // A volume that is in use is held by a finalizer of Kubernetes, which nobody takes away here.
    for kind in kinds().into_iter().filter(|kind| kind.kind != "PersistentVolumeClaim") {
        let mut times = Vec::new();
        for repeat in 0..repeats {
            if let Some(time) = one(cluster, &kind, repeat % cluster.stores(), repeat).await? {
                times.push(time);
            }
        }
        times.sort();
        if !times.is_empty() {
            repairs.push(Repair { kind: kind.kind, times });
        }
    }
    Ok(repairs)
}

async fn one(cluster: &Cluster, kind: &ApiResource, number: usize, nth: usize) -> anyhow::Result<Option<Duration>> {
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), &namespace(number), kind);
    let selected = ListParams::default().labels("app.kubernetes.io/managed-by=shopkeeper");
    let found = api.list(&selected).await?.items;
    // Those that were generated take others with them, which is another story.
    let plain: Vec<_> = found
        .iter()
        .filter(|it| !it.name_any().ends_with("-credentials") && !it.name_any().ends_with("-database"))
        .collect();
    let Some(victim) = plain.get(nth % plain.len().max(1)) else { return Ok(None) };
    let (name, uid) = (victim.name_any(), victim.uid());
    let begun = Instant::now();
    api.delete(&name, &DeleteParams::background()).await?;
    loop {
        let there = api.get_opt(&name).await?.is_some_and(|found| found.uid() != uid);
        if there {
            return Ok(Some(begun.elapsed()));
        }
        anyhow::ensure!(begun.elapsed() < LIMIT, "{} {name} does not come back", kind.kind);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The middle of sorted times.
pub(crate) fn median(sorted: &[Duration]) -> anyhow::Result<Duration> {
    sorted.get(sorted.len() / 2).copied().context("nothing was measured")
}
