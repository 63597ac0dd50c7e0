//! Refresh-ahead: renewed in the background, so that nobody waits; with a lifetime that is set through the Store while the shop runs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::shop::{Narrator, ShopError};

use super::Walk;

/// How long renewals are watched for: two of them.
const WATCHED: Duration = Duration::from_secs(14);
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

pub(super) async fn show<N: Narrator>(walk: &mut Walk<N>) -> Result<(), ShopError> {
    walk.admin.narrator.step("Refresh-ahead: the Store gives bestsellers 8 s, to be renewed 4 s before their end");
    let store = walk.cluster.store().await?;
    let before = store.data.pointer("/spec/cache/policies/bestsellers").cloned().unwrap_or(Value::Null);
    let short = json!({"pattern": "RefreshAhead", "ttl": "8s", "refreshBefore": "4s", "jitterPercent": 0});
    let took = walk.cluster.set_policy("bestsellers", &short).await?;
    walk.admin.narrator.note(&format!("all pods run it after {:.2} s, and none was restarted", took.as_secs_f64()));
    let watched = watch(walk).await;
    walk.cluster.set_policy("bestsellers", &before).await?;
    watched
}

/// Nobody ever misses, though more than one lifetime passes, and the list is a new one now and then.
async fn watch<N: Narrator>(walk: &mut Walk<N>) -> Result<(), ShopError> {
    walk.admin.get("/api/bestsellers").await?;
    let mut quiet = walk.customer()?;
    let (began, mut computed, mut renewed) = (Instant::now(), Vec::new(), 0);
    while began.elapsed() < WATCHED {
        let answer = quiet.get("/api/bestsellers").await?;
        super::hit(&answer)?;
        let at = answer.text_at("/computed_at")?.to_owned();
        if computed.last() != Some(&at) {
            renewed += usize::from(!computed.is_empty());
            let status = answer.cache_status.unwrap_or_default();
            walk.admin.narrator.note(&format!("{:>5.1} s  computed at {at}   {status}", began.elapsed().as_secs_f64()));
            computed.push(at);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    if renewed == 0 {
        return Err(ShopError::NotSeen("the bestsellers were not renewed".to_owned()));
    }
    walk.admin.narrator.note(&format!("renewed {renewed} times in {} s, never a miss", WATCHED.as_secs()));
    Ok(())
}
