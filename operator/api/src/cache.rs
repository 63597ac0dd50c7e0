//! Cache policy.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Duration;

/// Cache policy of the shop. A change reaches the running pods within about a second; no pod restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cache {
    /// The policy of each cache. Default: each cache's own, see there. Example: `{products: {ttl: 1m}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Caches>,
    /// Tuning of the lifetimes from what is measured. In this version it is checked and kept, but nothing is tuned yet. Default: none.
    /// Example: `{mode: Recommend, targetHitRatio: "0.95"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<CacheTuning>,
}

/// Every cache of the shop by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Caches {
    /// What sells best. Default: `RefreshAhead`, 1h, refreshed 10m before its end, 24h stale if the source fails.
    /// Example: `{ttl: 20m}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bestsellers: Option<CachePolicy>,
    /// What a customer may like. Default: `CacheAside`, 1h, 24h stale if the source fails.
    /// Example: `{ttl: 20m}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = (
        "!has(self.refreshBefore) || has(self.pattern)",
        "refreshBefore is only used by pattern RefreshAhead, which is not this cache's default: write pattern: RefreshAhead as well"
    ))]
    pub recommendations: Option<CachePolicy>,
    /// Flash sales. Default: `EventInvalidated`, 5m, never stale.
    /// Example: `{ttl: 20m}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = (
        "!has(self.refreshBefore) || has(self.pattern)",
        "refreshBefore is only used by pattern RefreshAhead, which is not this cache's default: write pattern: RefreshAhead as well"
    ))]
    pub flash_sales: Option<CachePolicy>,
    /// The best comments of a product. Default: `CacheAside`, 2h, 24h stale if the source fails.
    /// Example: `{ttl: 20m}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = (
        "!has(self.refreshBefore) || has(self.pattern)",
        "refreshBefore is only used by pattern RefreshAhead, which is not this cache's default: write pattern: RefreshAhead as well"
    ))]
    pub top_comments: Option<CachePolicy>,
    /// Products by id. Default: `CacheAside`, 10m, 1h stale if the source fails.
    /// Example: `{ttl: 20m}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = (
        "!has(self.refreshBefore) || has(self.pattern)",
        "refreshBefore is only used by pattern RefreshAhead, which is not this cache's default: write pattern: RefreshAhead as well"
    ))]
    pub products: Option<CachePolicy>,
    /// A customer's profile. Default: `WriteThrough`, 30m, never stale, not kept in the memory of pods.
    /// Example: `{ttl: 20m}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = (
        "!has(self.refreshBefore) || has(self.pattern)",
        "refreshBefore is only used by pattern RefreshAhead, which is not this cache's default: write pattern: RefreshAhead as well"
    ))]
    pub user_profile: Option<CachePolicy>,
    /// Carts. Default: `WriteThrough`, 10m, never stale, not kept in the memory of pods.
    /// Example: `{ttl: 20m}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = (
        "!has(self.refreshBefore) || has(self.pattern)",
        "refreshBefore is only used by pattern RefreshAhead, which is not this cache's default: write pattern: RefreshAhead as well"
    ))]
    pub cart: Option<CachePolicy>,
}

/// How one cache behaves. What is left out has the cache's own default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = (
        "!has(self.refreshBefore) || has(self.ttl)",
        "refreshBefore needs a ttl: write both, with refreshBefore shorter than ttl"
    ),
    validation = (
        "!has(self.refreshBefore) || !has(self.ttl) || !self.ttl.matches('^([0-9]{1,6}(ms|s|m|h))+$') \
         || !self.refreshBefore.matches('^([0-9]{1,6}(ms|s|m|h))+$') || duration(self.refreshBefore) < duration(self.ttl)",
        "refreshBefore must be shorter than ttl: write for example ttl: 1h and refreshBefore: 10m"
    ),
    validation = (
        "!has(self.refreshBefore) || !has(self.pattern) || self.pattern == 'RefreshAhead'",
        "refreshBefore is only used by pattern RefreshAhead: write pattern: RefreshAhead or leave refreshBefore out"
    ),
    // Where one of the two is left out, the longest default of any cache is counted: 2h and 24h.
    validation = (
        "(has(self.ttl) && !self.ttl.matches('^([0-9]{1,6}(ms|s|m|h))+$')) \
         || (has(self.staleIfError) && !self.staleIfError.matches('^([0-9]{1,6}(ms|s|m|h))+$')) \
         || duration(has(self.ttl) ? self.ttl : '2h') + duration(has(self.staleIfError) ? self.staleIfError : '24h') <= duration('8760h')",
        "ttl and staleIfError together must not be longer than 365 days: write for example ttl: 24h and staleIfError: 720h"
    ),
    validation = (
        "!has(self.softTimeout) || !has(self.hardTimeout) || !self.softTimeout.matches('^([0-9]{1,6}(ms|s|m|h))+$') \
         || !self.hardTimeout.matches('^([0-9]{1,6}(ms|s|m|h))+$') || duration(self.softTimeout) <= duration(self.hardTimeout)",
        "softTimeout must not be longer than hardTimeout: write for example softTimeout: 500ms and hardTimeout: 5s"
    )
)]
pub struct CachePolicy {
    /// How the cache is filled and kept fresh. Default: the cache's own. Example: `RefreshAhead`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Pattern")]
    pub pattern: Option<Pattern>,
    /// How long an entry is fresh. Default: the cache's own. Example: `10m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = (
        "!self.matches('^([0-9]{1,6}(ms|s|m|h))+$') || duration(self) > duration('0s')",
        "a ttl must be more than nothing: write for example 10m, or pattern: None to turn the cache off"
    ))]
    pub ttl: Option<Duration>,
    /// With `RefreshAhead`: how long before its end an entry is renewed in the background. Default: 10m, or a sixth of the ttl where
    /// that is shorter. Example: `10m` with a ttl of `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_before: Option<Duration>,
    /// How much lifetimes are spread, so that entries do not all end at once: each is shortened by up to this percentage. Default: 5.
    /// Example: `10`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 50))]
    pub jitter_percent: Option<u8>,
    /// How long beyond its end an entry may be served while its source fails or is slow. Default: the cache's own; `0s` is not at
    /// all. Example: `24h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_if_error: Option<Duration>,
    /// How long it is remembered that there is nothing under a key. Default: 5s; `0s` is not at all. Example: `30s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_ttl: Option<Duration>,
    /// How long a reader waits for a load when there is a stale entry that it could have instead. Default: 500ms, or the hardTimeout
    /// where that is shorter. Example: `100ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft_timeout: Option<Duration>,
    /// How long a load may take. Default: 5s, or the softTimeout where that is longer. Example: `2s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = (
        "!self.matches('^([0-9]{1,6}(ms|s|m|h))+$') || duration(self) > duration('0s')",
        "a hardTimeout must be more than nothing: write for example 5s"
    ))]
    pub hard_timeout: Option<Duration>,
    /// The first tier, in the memory of each pod. Default: 5s and 10000 entries; none for userProfile and cart, as who changes those
    /// wants to see it at once. Example: `{ttl: 5s, maxEntries: 10000}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalTier>,
}

/// How a cache is filled and kept fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Pattern {
    /// Filled when read, dropped when written.
    CacheAside,
    /// Filled when read; a write puts the new value there, after its commit.
    WriteThrough,
    /// As cache-aside, and renewed in the background before its end, by one pod for all.
    RefreshAhead,
    /// Filled when read; dropped by the event that each change commits, on every pod.
    EventInvalidated,
    /// Not cached.
    None,
}

/// The first tier of a cache, in the memory of each pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocalTier {
    /// How long an entry may be served from a pod's memory, which is also how stale it can be while a pod does not hear of
    /// invalidations. `0s`: the cache has no such tier, every read goes to Redis. Default: 5s. Example: `2s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Duration>,
    /// How many entries a pod keeps. Default: 10000. Example: `50000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_entries: Option<u32>,
}

/// Tuning of cache lifetimes. In this version it is checked and kept, but nothing is tuned yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = (
    "!has(self.minTtl) || !has(self.maxTtl) || !self.minTtl.matches('^([0-9]{1,6}(ms|s|m|h))+$') \
     || !self.maxTtl.matches('^([0-9]{1,6}(ms|s|m|h))+$') || duration(self.minTtl) <= duration(self.maxTtl)",
    "minTtl must not be longer than maxTtl: write for example minTtl: 5s and maxTtl: 24h"
))]
pub struct CacheTuning {
    /// Whether lifetimes are tuned. Default: `Disabled`. Example: `Recommend`.
    #[serde(default)]
    pub mode: TuningMode,
    /// Hit ratio to reach, between 0 and 1, as text. Default: none. Example: `"0.95"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 6))]
    #[x_kube(validation = ("self.matches('^(0([.][0-9]{1,4})?|1([.]0{1,4})?)$')", "write a ratio between 0 and 1 in quotes, such as \"0.95\""))]
    pub target_hit_ratio: Option<String>,
    /// Age that what is served may not exceed. Default: no bound. Example: `5m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_staleness: Option<Duration>,
    /// No lifetime is tuned below this. Default: no bound. Example: `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_ttl: Option<Duration>,
    /// No lifetime is tuned above this. Default: no bound. Example: `24h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ttl: Option<Duration>,
}

/// Whether lifetimes are tuned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TuningMode {
    /// Not at all.
    #[default]
    Disabled,
    /// Advice in the status only.
    Recommend,
    /// Lifetimes are set within the bounds.
    Enforce,
}
