//! Cache policy. Checked and kept; services do not receive it yet.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Duration;

/// Cache policy of the shop. In this version it is checked and kept, but services do not receive it yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cache {
    /// The policy of each cache. A cache that is left out has its documented default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Caches>,
    /// Tuning of the lifetimes from what is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<CacheTuning>,
}

/// Every cache of the shop by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Caches {
    /// What sells best. Default: `RefreshAhead`, 1h, refreshed 10m before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bestsellers: Option<CachePolicy>,
    /// What a customer may like. Default: `CacheAside`, 1h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommendations: Option<CachePolicy>,
    /// Flash sales. Default: `EventInvalidated`, 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash_sales: Option<CachePolicy>,
    /// The best comments of a product. Default: `CacheAside`, 2h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_comments: Option<CachePolicy>,
    /// Products by id. Default: `CacheAside`, 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub products: Option<CachePolicy>,
    /// A customer's profile. Default: `WriteThrough`, 30m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_profile: Option<CachePolicy>,
    /// Carts. Default: `WriteThrough`, 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    )
)]
pub struct CachePolicy {
    /// How the cache is filled and kept fresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Pattern>,
    /// How long an entry is fresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = (
        "!self.matches('^([0-9]{1,6}(ms|s|m|h))+$') || duration(self) > duration('0s')",
        "a ttl must be more than nothing: write for example 10m, or pattern: None to turn the cache off"
    ))]
    pub ttl: Option<Duration>,
    /// With `RefreshAhead`: how long before its end an entry is renewed in the background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_before: Option<Duration>,
    /// How much lifetimes are spread, so that entries do not all end at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 50))]
    pub jitter_percent: Option<u8>,
    /// How long beyond its end an entry may be served while its source fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_if_error: Option<Duration>,
    /// The first tier, in the memory of each pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalTier>,
}

/// How a cache is filled and kept fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Pattern {
    /// Filled when read, dropped when written.
    CacheAside,
    /// Written together with the database.
    WriteThrough,
    /// Renewed in the background before its end.
    RefreshAhead,
    /// Dropped by events.
    EventInvalidated,
    /// Not cached.
    None,
}

/// The first tier of a cache, in the memory of each pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocalTier {
    /// How long an entry stays in a pod's memory.
    pub ttl: Duration,
    /// How many entries a pod keeps.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_entries: u32,
}

/// Tuning of cache lifetimes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = (
    "!has(self.minTtl) || !has(self.maxTtl) || !self.minTtl.matches('^([0-9]{1,6}(ms|s|m|h))+$') \
     || !self.maxTtl.matches('^([0-9]{1,6}(ms|s|m|h))+$') || duration(self.minTtl) <= duration(self.maxTtl)",
    "minTtl must not be longer than maxTtl: write for example minTtl: 5s and maxTtl: 24h"
))]
pub struct CacheTuning {
    /// Whether lifetimes are tuned.
    #[serde(default)]
    pub mode: TuningMode,
    /// Hit ratio to reach, between 0 and 1, as text: `"0.95"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 6))]
    #[x_kube(validation = ("self.matches('^(0([.][0-9]{1,4})?|1([.]0{1,4})?)$')", "write a ratio between 0 and 1 in quotes, such as \"0.95\""))]
    pub target_hit_ratio: Option<String>,
    /// Age that what is served may not exceed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_staleness: Option<Duration>,
    /// No lifetime is tuned below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_ttl: Option<Duration>,
    /// No lifetime is tuned above this.
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
