//! Policies that change while the pod runs.

use std::path::Path;
use std::time::Duration;

use shop_cache::LivePolicies;
use shop_policy::{DOCUMENT_FILE, Pattern, Policies, Policy, PolicyDocument};
use tempfile::TempDir;

use crate::support::{Pod, Shop, eventually, policy, shared_only};

fn publish(folder: &Path, generation: i64, policy: &Policy) {
    let document = PolicyDocument::new(generation, Policies::of(|_| policy.clone()));
    let new = folder.join("new");
    std::fs::write(&new, document.to_json()).unwrap();
    std::fs::rename(new, folder.join(DOCUMENT_FILE)).unwrap();
}

/// A pod that follows the policies in a folder.
struct Following {
    folder: TempDir,
    policies: LivePolicies,
    pod: Pod,
    shop: Shop,
}

impl Following {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        publish(folder.path(), 1, &policy(Pattern::CacheAside));
        let shop = Shop::new().await;
        let policies = LivePolicies::watch(Some(folder.path().to_owned()));
        let pod = shop.pod_by(shop.redis, &policies).await;
        Self { folder, policies, pod, shop }
    }

    fn publish(&self, generation: i64, policy: &Policy) {
        publish(self.folder.path(), generation, policy);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_policy_holds_for_entries_that_are_there_already() {
    let following = Following::new().await;
    let Following { pod, shop, .. } = &following;
    shop.db.set(7, 1);
    assert_eq!(pod.version(7).await, 1);
    shop.db.set(7, 2);
    following.publish(2, &Policy { ttl: Duration::from_millis(50), ..shared_only(Pattern::CacheAside) });
    eventually(|| async { pod.metric("cache_policy_generation") == 2 }).await;
    eventually(|| async { pod.version(7).await == 2 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pattern_changes_while_the_cache_is_used() {
    let following = Following::new().await;
    let Following { pod, shop, .. } = &following;
    shop.db.set(7, 1);
    pod.version(7).await;
    following.publish(2, &policy(Pattern::None));
    eventually(|| async { pod.status(7).await == "products; fwd=bypass" }).await;
    following.publish(3, &shared_only(Pattern::WriteThrough));
    eventually(|| async { pod.metric("cache_policy_generation") == 3 }).await;
    pod.write(7, 2).await;
    let (version, status) = pod.get(7).await;
    assert_eq!((version, status.is_hit()), (2, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_policy_changes_nothing_and_its_reason_is_told() {
    let following = Following::new().await;
    let Following { pod, shop, policies, .. } = &following;
    eventually(|| async { policies.acknowledgement().generation == 1 }).await;
    following.publish(2, &Policy { ttl: Duration::ZERO, ..policy(Pattern::CacheAside) });
    eventually(|| async { policies.acknowledgement().rejected.is_some() }).await;
    let acknowledgement = policies.acknowledgement();
    assert_eq!(acknowledgement.generation, 1);
    assert!(acknowledgement.rejected.unwrap().reason.contains("ttl must be more than nothing"));
    shop.db.set(7, 1);
    assert_eq!(pod.status(7).await, "products; fwd=miss; stored; ttl=600");
}
