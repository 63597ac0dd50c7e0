//! The policies of the caches: merged from the Store and the defaults, and told to the pods in one document.
//!
//! The document is mounted as a folder, which the kubelet refreshes while the pod runs. Nothing of it is in a pod's template, so no
//! pod restarts when a policy changes.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::api::core::v1::{ConfigMap, ConfigMapVolumeSource, EnvVar, Volume, VolumeMount};
use shop_policy::{CacheName, DOCUMENT_FILE, InvalidPolicy, LocalTier, Pattern, Policies, Policy, PolicyDocument};
use shopkeeper_api::{CachePolicy, Caches, Store};

use crate::{Component, Found, Shop, meta, pod};

/// The folder in which a service finds its document.
const FOLDER: &str = "/run/shopkeeper/cache-policy";

/// The tier in memory where a Store asks for one without saying how large or for how long.
const LOCAL: LocalTier = LocalTier { ttl: Duration::from_secs(5), max_entries: 10_000 };

/// Which document it is, without its policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Generation of the Store at which the policies changed last.
    pub generation: i64,
    /// Hash of the policies.
    pub hash: String,
}

impl PolicyVersion {
    /// The version of a document, if it is a sound one.
    pub fn of(text: &str) -> Option<Self> {
        let document = PolicyDocument::parse(text).ok()?;
        Some(Self { generation: document.generation, hash: document.hash })
    }
}

/// The service whose pods keep a cache.
pub const fn service_of(cache: CacheName) -> Component {
    match cache {
        CacheName::Bestsellers
        | CacheName::Recommendations
        | CacheName::FlashSales
        | CacheName::TopComments
        | CacheName::Products => Component::Catalog,
        CacheName::UserProfile => Component::User,
        CacheName::Cart => Component::Cart,
    }
}

/// The policies that a Store asks for, or the cache whose policy contradicts itself.
pub(crate) fn policies(store: &Store) -> Result<Policies, (CacheName, InvalidPolicy)> {
    let asked = store.spec.cache.as_ref().and_then(|cache| cache.policies.clone()).unwrap_or_default();
    let policies = Policies::of(|cache| match asked_for(&asked, cache) {
        Some(asked) => merged(cache, asked),
        None => Policy::default_of(cache),
    });
    for (cache, policy) in policies.iter() {
        policy.check().map_err(|error| (cache, error))?;
    }
    Ok(policies)
}

fn asked_for(asked: &Caches, cache: CacheName) -> Option<&CachePolicy> {
    let Caches { bestsellers, recommendations, flash_sales, top_comments, products, user_profile, cart } = asked;
    match cache {
        CacheName::Bestsellers => bestsellers.as_ref(),
        CacheName::Recommendations => recommendations.as_ref(),
        CacheName::FlashSales => flash_sales.as_ref(),
        CacheName::TopComments => top_comments.as_ref(),
        CacheName::Products => products.as_ref(),
        CacheName::UserProfile => user_profile.as_ref(),
        CacheName::Cart => cart.as_ref(),
    }
}

/// What a Store asks for, over the defaults. What is left out gives way where the default would contradict what is asked for.
fn merged(cache: CacheName, asked: &CachePolicy) -> Policy {
    let CachePolicy {
        pattern,
        ttl,
        refresh_before,
        jitter_percent,
        stale_if_error,
        negative_ttl,
        soft_timeout,
        hard_timeout,
        local,
    } = asked;
    let default = Policy::default_of(cache);
    let pattern = pattern.map_or(default.pattern, pattern_of);
    let ttl = ttl.map_or(default.ttl, shopkeeper_api::Duration::as_std);
    let refresh_before = refresh_before.map(shopkeeper_api::Duration::as_std);
    let (soft, hard) =
        (soft_timeout.map(shopkeeper_api::Duration::as_std), hard_timeout.map(shopkeeper_api::Duration::as_std));
    Policy {
        pattern,
        ttl,
        refresh_before: refresh_before.unwrap_or_else(|| refresh_point(pattern, ttl)),
        jitter_percent: jitter_percent.unwrap_or(default.jitter_percent),
        stale_if_error: stale_if_error.map_or(default.stale_if_error, shopkeeper_api::Duration::as_std),
        negative_ttl: negative_ttl.map_or(default.negative_ttl, shopkeeper_api::Duration::as_std),
        soft_timeout: soft.unwrap_or_else(|| default.soft_timeout.min(hard.unwrap_or(default.soft_timeout))),
        hard_timeout: hard.unwrap_or_else(|| default.hard_timeout.max(soft.unwrap_or(default.hard_timeout))),
        local: local.map_or(default.local, |asked| local_tier(asked, default.local)),
    }
}

/// Ten minutes before the end, or a sixth of the lifetime where that is shorter.
fn refresh_point(pattern: Pattern, ttl: Duration) -> Duration {
    if pattern == Pattern::RefreshAhead { Duration::from_secs(600).min(ttl / 6) } else { Duration::ZERO }
}

fn local_tier(asked: shopkeeper_api::LocalTier, default: Option<LocalTier>) -> Option<LocalTier> {
    let default = default.unwrap_or(LOCAL);
    let tier = LocalTier {
        ttl: asked.ttl.map_or(default.ttl, shopkeeper_api::Duration::as_std),
        max_entries: asked.max_entries.unwrap_or(default.max_entries),
    };
    Some(tier).filter(|tier| !tier.ttl.is_zero())
}

const fn pattern_of(pattern: shopkeeper_api::Pattern) -> Pattern {
    match pattern {
        shopkeeper_api::Pattern::CacheAside => Pattern::CacheAside,
        shopkeeper_api::Pattern::WriteThrough => Pattern::WriteThrough,
        shopkeeper_api::Pattern::RefreshAhead => Pattern::RefreshAhead,
        shopkeeper_api::Pattern::EventInvalidated => Pattern::EventInvalidated,
        shopkeeper_api::Pattern::None => Pattern::None,
    }
}

/// Name of the ConfigMap with the document.
pub(crate) fn name(shop: &Shop) -> String {
    format!("{}-cache-policy", shop.name)
}

/// The document and what it is told from others by.
#[derive(Clone, Debug)]
pub struct CachePolicyParts {
    /// The document.
    pub config: ConfigMap,
    /// Which one it is.
    pub version: PolicyVersion,
}

/// The document. As long as the policies are those of the one that is there, so is its generation: a Store that changed in some
/// other way writes nothing.
pub(crate) fn cache_policy(shop: &Shop, found: &Found) -> CachePolicyParts {
    let hash = shop.policies.hash();
    let kept = found.cache_policy.as_ref().filter(|it| it.hash == hash && it.generation <= shop.generation);
    let document = PolicyDocument::new(kept.map_or(shop.generation, |it| it.generation), shop.policies.clone());
    CachePolicyParts {
        version: PolicyVersion { generation: document.generation, hash: document.hash.clone() },
        config: ConfigMap {
            metadata: meta::owned(shop, name(shop), Component::Shop),
            data: Some(BTreeMap::from([(DOCUMENT_FILE.into(), document.to_json())])),
            ..ConfigMap::default()
        },
    }
}

/// What a service is told about where its document is, and whose it is.
pub(crate) fn environment(shop: &Shop) -> Vec<EnvVar> {
    let mut env =
        vec![pod::env("CACHE_POLICY_DIR", FOLDER), pod::env("SHOP_NAME", format!("{}/{}", shop.namespace, shop.name))];
    if shop.demo.is_some() {
        env.push(pod::env("SHOP_DEMO", "true"));
    }
    env
}

pub(crate) fn mount() -> VolumeMount {
    pod::read_only_mount("cache-policy", FOLDER)
}

/// The whole ConfigMap as a folder: a single file would never be refreshed. A pod starts without it as well, with the defaults.
pub(crate) fn volume(shop: &Shop) -> Volume {
    let source = ConfigMapVolumeSource { name: name(shop), optional: Some(true), ..ConfigMapVolumeSource::default() };
    Volume { name: "cache-policy".into(), config_map: Some(source), ..Volume::default() }
}
