//! What watches the shop: figures, alerts, dashboards, traces, and tools to look into its data.

use std::collections::BTreeMap;

use kube::{KubeSchema, core::Rule};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{Alerts, Duration, Pods, Storage};

/// What watches the shop. All of it is made after the shop itself, and nothing of it ever keeps the shop from being ready; the condition
/// `MonitoringReady` tells how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = (
    "!self.enabled || !self.grafana.enabled || self.prometheus.enabled || has(self.prometheus.url)",
    "Grafana has nothing to show without figures: write prometheus: {enabled: true}, or the address of another one as prometheus: {url: ...}, \
     or grafana: {enabled: false}"
))]
pub struct Monitoring {
    /// Whether there is any of it. Default: true. Example: `false`.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Address under which people reach the gateway, for links in messages and pages. Default: scheme and `gateway.host`. Example:
    /// `http://localhost:8080`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    #[x_kube(validation = (
        "self.matches('^https?://[a-z0-9][-a-z0-9.]*(:[0-9]{1,5})?$')",
        "write scheme, host and perhaps port, without a path, such as https://shop.example.com"
    ))]
    pub public_url: Option<String>,
    /// Who collects figures. Default: a Prometheus of the shop's own, or the cluster's where the Prometheus Operator is there. Example:
    /// `{scrapeInterval: 30s}`.
    #[serde(default)]
    pub prometheus: Prometheus,
    /// Who tells people of alerts. Default: one that tells nobody. Example: `{telegram: {secretRef: {name: telegram}}}`.
    #[serde(default)]
    pub alertmanager: Alertmanager,
    /// Who draws figures. Default: a Grafana with all dashboards. Example: `{enabled: false}`.
    #[serde(default)]
    pub grafana: Grafana,
    /// Who keeps traces. Default: a Jaeger that keeps 50000 of them in memory. Example: `{maxTraces: 10000}`.
    #[serde(default)]
    pub tracing: Tracing,
    /// What tells figures of a database and a Redis that the operator runs. Default: as the profile says. Example:
    /// `{resources: {limits: {memory: 64Mi}}}`.
    #[serde(default)]
    pub exporters: Exporters,
    /// When there is an alert. Default: see there. Example: `{latencyP99: 250ms}`.
    #[serde(default)]
    pub alerts: Alerts,
    /// Pages to look into the data. Default: none. Example: `{pgAdmin: {enabled: true}}`.
    #[serde(default)]
    pub tools: Tools,
}

impl Default for Monitoring {
    fn default() -> Self {
        Self {
            enabled: true,
            public_url: None,
            prometheus: Prometheus::default(),
            alertmanager: Alertmanager::default(),
            grafana: Grafana::default(),
            tracing: Tracing::default(),
            exporters: Exporters::default(),
            alerts: Alerts::default(),
            tools: Tools::default(),
        }
    }
}

const fn yes() -> bool {
    true
}

/// Who collects the shop's figures. Where the cluster knows `ServiceMonitor` and `PrometheusRule`, these are made for the Prometheus that is there,
/// and no other one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = (
        "!has(self.storage) || !has(oldSelf.storage) || !isQuantity(self.storage.size) \
         || !quantity(self.storage.size).isLessThan(quantity(oldSelf.storage.size))",
        "the volume of the figures cannot shrink: write the former monitoring.prometheus.storage.size or more"
    ),
    validation = (
        "!has(self.storage) || !has(oldSelf.storage) \
         || (has(self.storage.storageClassName) ? self.storage.storageClassName : '') \
         == (has(oldSelf.storage.storageClassName) ? oldSelf.storage.storageClassName : '')",
        "the storage class of the volume of the figures cannot change: write the former monitoring.prometheus.storage.storageClassName"
    )
)]
pub struct Prometheus {
    /// Whether figures are collected. Default: true. Example: `false`.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// How often. Default: 10s. Example: `30s`.
    #[serde(default = "scrape_interval")]
    #[x_kube(validation = (
        "!self.matches('^([0-9]{1,6}(ms|s|m|h))+$') || (duration(self) >= duration('1s') && duration(self) <= duration('2m'))",
        "figures are collected every 1s to 2m: write for example 10s"
    ))]
    pub scrape_interval: Duration,
    /// How long figures are kept, if there is room; without `storage` they do not outlive the pod. Default: 24h. Example: `72h`.
    #[serde(default = "retention")]
    #[x_kube(validation = (
        "!self.matches('^([0-9]{1,6}(ms|s|m|h))+$') || (duration(self) >= duration('1h') && duration(self) <= duration('8760h'))",
        "figures are kept from 1h to 8760h: write for example 24h"
    ))]
    pub retention: Duration,
    /// A volume in which figures outlive the pod, of which they take four fifths. It goes with the Store, whatever `dataRetention` says; where it
    /// is asked for no more, it stays until then. Default: none. Example: `{size: 10Gi}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// Address of a Prometheus that Grafana and Jaeger ask where the operator makes none of its own. Default: none. Example:
    /// `http://prometheus-operated.monitoring:9090`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 400))]
    #[x_kube(validation = (
        "self.matches('^https?://[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]{1,5})?(/[-A-Za-z0-9._/]*)?$')",
        "write the address of a Prometheus, such as http://prometheus-operated.monitoring:9090"
    ))]
    pub url: Option<String>,
    /// What every part with pods has.
    #[serde(flatten)]
    pub pods: Pods,
}

const fn scrape_interval() -> Duration {
    Duration::from_secs(10)
}

const fn retention() -> Duration {
    Duration::from_secs(24 * 3600)
}

impl Default for Prometheus {
    fn default() -> Self {
        Self {
            enabled: true,
            scrape_interval: scrape_interval(),
            retention: retention(),
            storage: None,
            url: None,
            pods: Pods::default(),
        }
    }
}

/// Who tells people of alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alertmanager {
    /// Whether there is one. Default: true. Example: `false`.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Tell a Telegram chat. Default: nobody is told. Example: `{secretRef: {name: telegram}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telegram: Option<Telegram>,
    /// Where the alert `Watchdog`, which always fires, is sent once a minute, so that somebody outside notices when it stops. Default: nowhere.
    /// Example: `https://heartbeats.example.com/shop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 400))]
    #[x_kube(validation = (
        "self.matches('^https?://[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]{1,5})?(/[-A-Za-z0-9._~/?&=%]*)?$')",
        "write an address, such as https://heartbeats.example.com/shop"
    ))]
    pub watchdog_url: Option<String>,
    /// What every part with pods has.
    #[serde(flatten)]
    pub pods: Pods,
}

impl Default for Alertmanager {
    fn default() -> Self {
        Self { enabled: true, telegram: None, watchdog_url: None, pods: Pods::default() }
    }
}

/// A Telegram chat that is told of alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Telegram {
    /// The Secret with the bot's token and the chat. As long as it is not there, nobody is told. Default: none, it must be written. Example:
    /// `{name: telegram}`.
    pub secret_ref: TelegramSecret,
    /// Address of Telegram's API. Default: `https://api.telegram.org`. Example: `http://telegram.test:8080`.
    #[serde(default = "api_url")]
    #[schemars(length(max = 253))]
    #[x_kube(validation = (
        "self.matches('^https?://[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]{1,5})?$')",
        "write scheme, host and perhaps port, without a path, such as https://api.telegram.org"
    ))]
    pub api_url: String,
}

fn api_url() -> String {
    "https://api.telegram.org".to_owned()
}

/// A Secret in the Store's namespace with a bot's token and a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TelegramSecret {
    /// Name of the Secret. Its key `token` is the bot's token, as `BotFather` tells it, and `chat` the number of the chat. Default: none, it
    /// must be written. Example: `telegram`.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Who draws the shop's figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grafana {
    /// Whether there is one. The `ConfigMap` of the dashboards is made as long as figures are collected, for one that is there already.
    /// Default: true. Example: `false`.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Labels of the `ConfigMap` of the dashboards, by which a Grafana that is there already finds it.
    /// Default: `{grafana_dashboard: "1"}`. Example: `{example.com/dashboards: shop}`.
    #[serde(default = "dashboard_labels")]
    #[schemars(schema_with = "labels")]
    pub dashboard_labels: BTreeMap<String, String>,
    /// What every part with pods has.
    #[serde(flatten)]
    pub pods: Pods,
}

fn dashboard_labels() -> BTreeMap<String, String> {
    BTreeMap::from([("grafana_dashboard".to_owned(), "1".to_owned())])
}

impl Default for Grafana {
    fn default() -> Self {
        Self { enabled: true, dashboard_labels: dashboard_labels(), pods: Pods::default() }
    }
}

fn labels(_: &mut SchemaGenerator) -> Schema {
    let own = Rule::new("self.all(key, !key.matches('^([^/]*[.])?(shopkeeper[.]dev|kubernetes[.]io|k8s[.]io)/'))")
        .message(
            "labels of shopkeeper.dev, kubernetes.io and k8s.io are the operator's and Kubernetes' own: write others",
        );
    json_schema!({
        "type": "object",
        "maxProperties": 16,
        "additionalProperties": {"type": "string", "maxLength": 63},
        "x-kubernetes-validations": [own],
    })
}

/// Who keeps traces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tracing {
    /// Whether there are any traces. Default: true. Example: `false`.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// How many traces are kept, all of them in memory, of which the pod's limit makes room for so many; the oldest go first. Default: 50000.
    /// Example: `10000`.
    #[serde(default = "max_traces")]
    #[schemars(range(min = 100, max = 1_000_000))]
    pub max_traces: u32,
    /// Share of the requests that are traced, from 0 to 1, as text; what a client has decided to trace always is. Default: `"1.0"`. Example:
    /// `"0.1"`.
    #[serde(default = "sampling")]
    #[schemars(length(max = 8))]
    #[x_kube(validation = ("self.matches('^(0([.][0-9]{1,6})?|1([.]0{1,6})?)$')", "write a share between 0 and 1 in quotes, such as \"0.1\""))]
    pub sampling: String,
    /// What every part with pods has.
    #[serde(flatten)]
    pub pods: Pods,
}

const fn max_traces() -> u32 {
    50_000
}

fn sampling() -> String {
    "1.0".to_owned()
}

impl Default for Tracing {
    fn default() -> Self {
        Self { enabled: true, max_traces: max_traces(), sampling: sampling(), pods: Pods::default() }
    }
}

/// What tells figures of PostgreSQL and Redis, as long as figures are collected and the operator runs these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exporters {
    /// What every part with pods has.
    #[serde(flatten)]
    pub pods: Pods,
}

/// Pages to look into the data, behind the gateway and its login.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tools {
    /// pgAdmin, for a database that the operator or CloudNativePG runs. Default: there is none. Example: `{enabled: true}`.
    #[serde(default)]
    pub pg_admin: Tool,
    /// Redis Commander, for a Redis that the operator runs. Default: there is none. Example: `{enabled: true}`.
    #[serde(default)]
    pub redis_commander: Tool,
}

/// A page to look into data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// Whether there is one. Default: false. Example: `true`.
    #[serde(default)]
    pub enabled: bool,
    /// What every part with pods has.
    #[serde(flatten)]
    pub pods: Pods,
}
