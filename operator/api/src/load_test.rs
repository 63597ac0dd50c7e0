//! Customers who are none.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Duration, Pods};

/// Locust, behind the gateway at `/locust/` and its login: customers who are none, begun and ended on its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoadTest {
    /// Whether there is one. Default: false. Example: `true`.
    #[serde(default)]
    pub enabled: bool,
    /// How many customers there are at a time. Default: 50. Example: `200`.
    #[serde(default = "users")]
    #[schemars(range(min = 1, max = 100_000))]
    pub users: u32,
    /// How many customers more come each second until all are there. Default: 5. Example: `20`.
    #[serde(default = "spawn_rate")]
    #[schemars(range(min = 1, max = 10_000))]
    pub spawn_rate: u32,
    /// How the number of customers and what they want change with time. Default: `Steady`. Example: `FlashSale`.
    #[serde(default)]
    pub shape: LoadShape,
    /// How long it lasts; what is begun on the page ends by itself then. Default: until it is ended. Example: `10m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = (
        "!self.matches('^([0-9]{1,6}(ms|s|m|h))+$') || duration(self) >= duration('1s')",
        "a load test lasts at least 1s: write for example 10m, or leave runTime out"
    ))]
    pub run_time: Option<Duration>,
    /// What every part with pods has.
    #[serde(flatten)]
    pub pods: Pods,
}

const fn users() -> u32 {
    50
}

const fn spawn_rate() -> u32 {
    5
}

impl Default for LoadTest {
    fn default() -> Self {
        Self {
            enabled: false,
            users: users(),
            spawn_rate: spawn_rate(),
            shape: LoadShape::default(),
            run_time: None,
            pods: Pods::default(),
        }
    }
}

/// How load changes with time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LoadShape {
    /// As many customers as are asked for, all the time.
    #[default]
    Steady,
    /// Everybody comes at once, to caches that have nothing yet.
    ColdCache,
    /// Nearly everybody wants the same product.
    HotKey,
    /// Few customers, then a sale begins and all come.
    FlashSale,
    /// For hours, slowly up and down.
    Soak,
}

impl LoadShape {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Steady => "Steady",
            Self::ColdCache => "ColdCache",
            Self::HotKey => "HotKey",
            Self::FlashSale => "FlashSale",
            Self::Soak => "Soak",
        }
    }
}
