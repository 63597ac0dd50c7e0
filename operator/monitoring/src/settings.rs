//! What a shop's owner can say about its alerts.

use std::collections::BTreeMap;
use std::time::Duration;

/// The windows that service levels are measured over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Windows {
    /// Five minutes to three days, as on-call people use them.
    #[default]
    Standard,
    /// One minute to one hour, for a demonstration that lasts minutes.
    Demo,
}

/// Thresholds of the alerts, and where they point to.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertSettings {
    /// 99 of 100 requests to a service are answered within this time.
    pub latency_p99: Duration,
    /// 95 of 100 requests to a service are answered within this time.
    pub latency_p95: Duration,
    /// The share of requests that may fail before somebody is told.
    pub error_ratio: f64,
    /// The share of requests that are to succeed in the long run: the objective of the service level.
    pub availability: f64,
    /// Fewer requests a second to a service than this are an alert; 0 is none.
    pub min_requests_per_second: f64,
    /// More requests a second to a service than this are an alert; 0 is none.
    pub max_requests_per_second: f64,
    /// The share of look-ups that a cache should answer.
    pub hit_ratio: f64,
    /// How old an answer of a cache may be against the newest version.
    pub staleness: Duration,
    /// How long an event may wait in an outbox.
    pub outbox_lag: Duration,
    /// How old the last good backup may be; nothing where there are no backups.
    pub backup_age: Option<Duration>,
    /// How long the gateway's certificate must still be good for.
    pub certificate_left: Duration,
    /// The windows of the service levels.
    pub windows: Windows,
    /// The address that the pages of the runbooks are under.
    pub runbooks: String,
    /// The address that the dashboards are under, as `<public>/grafana/d`.
    pub dashboards: String,
    /// Labels that every alert carries besides its own.
    pub extra_labels: BTreeMap<String, String>,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            latency_p99: Duration::from_millis(500),
            latency_p95: Duration::from_millis(200),
            error_ratio: 0.001,
            availability: 0.999,
            min_requests_per_second: 0.0,
            max_requests_per_second: 500.0,
            hit_ratio: 0.5,
            staleness: Duration::from_secs(300),
            outbox_lag: Duration::from_secs(30),
            backup_age: None,
            certificate_left: Duration::from_secs(14 * 24 * 3600),
            windows: Windows::Standard,
            runbooks: "https://shopkeeper.dev/docs/runbooks".into(),
            dashboards: "/grafana/d".into(),
            extra_labels: BTreeMap::new(),
        }
    }
}
