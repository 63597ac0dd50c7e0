//! When there is an alert.

use std::collections::BTreeMap;

use kube::{KubeSchema, core::Rule};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::Duration;

/// When there is an alert. Ratios and rates are written as text, as Kubernetes has no numbers with a fraction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = (
        "!self.latencyP95.matches('^([0-9]{1,6}(ms|s|m|h))+$') || !self.latencyP99.matches('^([0-9]{1,6}(ms|s|m|h))+$') \
         || duration(self.latencyP95) <= duration(self.latencyP99)",
        "latencyP95 must not be longer than latencyP99: write for example latencyP95: 200ms and latencyP99: 500ms"
    ),
    validation = (
        "!self.minRequestsPerSecond.matches('^[0-9]{1,7}([.][0-9]{1,3})?$') || !self.maxRequestsPerSecond.matches('^[0-9]{1,7}([.][0-9]{1,3})?$') \
         || double(self.maxRequestsPerSecond) == 0.0 || double(self.minRequestsPerSecond) < double(self.maxRequestsPerSecond)",
        "minRequestsPerSecond must be less than maxRequestsPerSecond: write for example \"0\" and \"500\""
    )
)]
pub struct Alerts {
    /// Time within which 99 of 100 requests of a service are answered. Default: 500ms. Example: `1s`.
    #[serde(default = "latency_p99")]
    #[schemars(schema_with = "some_time")]
    pub latency_p99: Duration,
    /// Time within which 95 of 100 requests of a service are answered. Default: 200ms. Example: `300ms`.
    #[serde(default = "latency_p95")]
    #[schemars(schema_with = "some_time")]
    pub latency_p95: Duration,
    /// Share of a service's requests that may fail. Default: `"0.001"`. Example: `"0.01"`.
    #[serde(default = "error_ratio")]
    #[schemars(schema_with = "share")]
    pub error_ratio: String,
    /// Share of the requests that must succeed over a month, of which the rates are worked out at which the rest is used up too fast; less
    /// than 1. Default: `"0.999"`. Example: `"0.995"`.
    #[serde(default = "availability")]
    #[schemars(schema_with = "objective")]
    pub availability: String,
    /// Fewer requests a second than this, of one service, are an alert; `"0"` is no bound. Default: `"0"`. Example: `"1"`.
    #[serde(default = "min_requests_per_second")]
    #[schemars(schema_with = "rate")]
    pub min_requests_per_second: String,
    /// More requests a second than this, of one service, are an alert; `"0"` is no bound. Default: `"500"`. Example: `"2000"`.
    #[serde(default = "max_requests_per_second")]
    #[schemars(schema_with = "rate")]
    pub max_requests_per_second: String,
    /// Share of the answers that a cache should have. Default: `"0.5"`. Example: `"0.8"`.
    #[serde(default = "hit_ratio")]
    #[schemars(schema_with = "share")]
    pub hit_ratio: String,
    /// Age that what caches serve should not exceed. Default: 5m. Example: `1m`.
    #[serde(default = "staleness")]
    #[schemars(schema_with = "some_time")]
    pub staleness: Duration,
    /// Time that an event may wait to be passed on. Default: 30s. Example: `1m`.
    #[serde(default = "outbox_lag")]
    #[schemars(schema_with = "some_time")]
    pub outbox_lag: Duration,
    /// Age that the newest backup may have, where backups are made. Default: by their schedule, 26h for one that makes them each day or more
    /// often. Example: `50h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "some_time")]
    pub backup_age: Option<Duration>,
    /// Time that the certificate with which the gateway itself serves should be good for. Default: 336h. Example: `72h`.
    #[serde(default = "certificate_left")]
    #[schemars(schema_with = "some_time")]
    pub certificate_left: Duration,
    /// Over which times alerts are worked out: `Standard`, as is usual, or `Demo`, so short that each can be seen to come and go within
    /// minutes. Default: `Standard`. Example: `Demo`.
    #[serde(default)]
    pub windows: AlertWindows,
    /// Address under which the runbooks are, to which each alert adds its own page.
    /// Default: `https://shopkeeper.dev/docs/runbooks`. Example: `https://wiki.example.com/runbooks`.
    #[serde(default = "runbook_url")]
    #[schemars(length(max = 400))]
    #[x_kube(validation = (
        "self.matches('^https?://[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]{1,5})?(/[-A-Za-z0-9._~/]*)?$')",
        "write an address, such as https://wiki.example.com/runbooks"
    ))]
    pub runbook_url: String,
    /// Labels that every alert has besides its own, by which an Alertmanager that is there already finds its way. Default: none. Example:
    /// `{team: shop}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "labels")]
    pub labels: BTreeMap<String, String>,
}

/// Over which times alerts are worked out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AlertWindows {
    /// As is usual.
    #[default]
    Standard,
    /// So short that each alert can be seen to come and go within minutes.
    Demo,
}

/// Labels that each alert has by itself.
pub const ALERT_LABELS: [&str; 6] = ["alertname", "severity", "namespace", "store", "service", "job"];

const fn latency_p99() -> Duration {
    Duration::from_millis(500)
}

const fn latency_p95() -> Duration {
    Duration::from_millis(200)
}

fn error_ratio() -> String {
    "0.001".to_owned()
}

fn availability() -> String {
    "0.999".to_owned()
}

fn min_requests_per_second() -> String {
    "0".to_owned()
}

fn max_requests_per_second() -> String {
    "500".to_owned()
}

fn hit_ratio() -> String {
    "0.5".to_owned()
}

const fn staleness() -> Duration {
    Duration::from_secs(300)
}

const fn outbox_lag() -> Duration {
    Duration::from_secs(30)
}

const fn certificate_left() -> Duration {
    Duration::from_secs(14 * 24 * 3600)
}

fn runbook_url() -> String {
    "https://shopkeeper.dev/docs/runbooks".to_owned()
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            latency_p99: latency_p99(),
            latency_p95: latency_p95(),
            error_ratio: error_ratio(),
            availability: availability(),
            min_requests_per_second: min_requests_per_second(),
            max_requests_per_second: max_requests_per_second(),
            hit_ratio: hit_ratio(),
            staleness: staleness(),
            outbox_lag: outbox_lag(),
            backup_age: None,
            certificate_left: certificate_left(),
            windows: AlertWindows::default(),
            runbook_url: runbook_url(),
            labels: BTreeMap::new(),
        }
    }
}

/// A duration that is not nothing.
fn some_time(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = Duration::json_schema(generator);
    let rule = Rule::new("!self.matches('^([0-9]{1,6}(ms|s|m|h))+$') || duration(self) > duration('0s')")
        .message("write more than nothing, such as 500ms");
    add_rule(&mut schema, &rule);
    schema
}

fn share(_: &mut SchemaGenerator) -> Schema {
    text("^(0([.][0-9]{1,6})?|1([.]0{1,6})?)$", "write a share between 0 and 1 in quotes, such as \"0.5\"")
}

fn objective(_: &mut SchemaGenerator) -> Schema {
    text("^0[.][0-9]{1,6}$", "write a share less than 1 in quotes, such as \"0.999\"")
}

fn rate(_: &mut SchemaGenerator) -> Schema {
    text("^[0-9]{1,7}([.][0-9]{1,3})?$", "write a number of requests a second in quotes, such as \"500\"")
}

fn labels(_: &mut SchemaGenerator) -> Schema {
    let own = "self.all(key, !(key in ['alertname', 'severity', 'namespace', 'store', 'service', 'job']))";
    let rules = [
        Rule::new("self.all(key, key.matches('^[a-zA-Z][a-zA-Z0-9_]{0,62}$'))")
            .message("write names of labels in letters, digits and underscores, such as team"),
        Rule::new(own).message(
            "the alerts set alertname, severity, namespace, store, service and job themselves: write other labels",
        ),
        Rule::new("self.all(key, !self[key].contains('{{'))")
            .message("Prometheus takes {{ for the beginning of a template: write values without it"),
    ];
    json_schema!({
        "type": "object",
        "maxProperties": 16,
        "additionalProperties": {"type": "string", "maxLength": 63},
        "x-kubernetes-validations": rules,
    })
}

fn text(pattern: &str, sentence: &str) -> Schema {
    let rule = Rule::new(format!("self.matches('{pattern}')")).message(sentence);
    json_schema!({ "type": "string", "maxLength": 12, "x-kubernetes-validations": [rule] })
}

fn add_rule(schema: &mut Schema, rule: &Rule) {
    let Ok(rule) = serde_json::to_value(rule) else { return };
    if let Some(rules) = schema.get_mut("x-kubernetes-validations").and_then(serde_json::Value::as_array_mut) {
        rules.push(rule);
    }
}
