//! The shop's Prometheus.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Admin, WatchError};

/// One series of an answer, with its newest value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value; may be no number.
    pub value: f64,
}

/// Something that is scraped.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Its labels, `job` and `instance` among them.
    pub labels: BTreeMap<String, String>,
    /// `up`, `down` or `unknown`.
    pub health: String,
    /// What was wrong the last time.
    pub last_error: String,
}

/// A rule as Prometheus runs it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Name of the alert, or of what is recorded.
    pub name: String,
    /// `alerting` or `recording`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The expression.
    pub query: String,
    /// `ok`, `err` or `unknown`.
    pub health: String,
    /// What was wrong the last time.
    #[serde(default)]
    pub last_error: String,
}

/// An alert that is pending or fires.
#[derive(Clone, Debug, Deserialize)]
pub struct Alert {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// `pending` or `firing`.
    pub state: String,
}

impl Alert {
    /// Its name.
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map(String::as_str).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    result_type: String,
    result: serde_json::Value,
}

#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Targets {
    active_targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Alerts {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Runtime {
    start_time: String,
}

impl Admin {
    /// Asks Prometheus, for now.
    pub async fn query(&self, expression: &str) -> Result<Vec<Sample>, WatchError> {
        let encoded = serde_urlencoded::to_string([("query", expression)]).unwrap_or_default();
        let path = format!("/prometheus/api/v1/query?{encoded}");
        let answer: Envelope<Answer> = self.json(&path).await?;
        let unreadable = |problem: String| WatchError::Unreadable { path: path.clone(), problem };
        let number = |text: &str| text.parse::<f64>().map_err(|error| unreadable(format!("{text}: {error}")));
        let Answer { result_type, result } = answer.data;
        if result_type == "scalar" {
            let (_, value): (f64, String) =
                serde_json::from_value(result).map_err(|error| unreadable(error.to_string()))?;
            return Ok(vec![Sample { labels: BTreeMap::new(), value: number(&value)? }]);
        }
        let series: Vec<Series> = serde_json::from_value(result).map_err(|error| unreadable(error.to_string()))?;
        series.into_iter().map(|it| Ok(Sample { labels: it.metric, value: number(&it.value.1)? })).collect()
    }

    /// When this Prometheus began, in its own words.
    pub async fn began(&self) -> Result<String, WatchError> {
        let answer: Envelope<Runtime> = self.json("/prometheus/api/v1/status/runtimeinfo").await?;
        Ok(answer.data.start_time)
    }

    /// All that is scraped.
    pub async fn targets(&self) -> Result<Vec<Target>, WatchError> {
        let answer: Envelope<Targets> = self.json("/prometheus/api/v1/targets?state=active").await?;
        Ok(answer.data.active_targets)
    }

    /// All rules.
    pub async fn rules(&self) -> Result<Vec<Rule>, WatchError> {
        let answer: Envelope<Groups> = self.json("/prometheus/api/v1/rules").await?;
        Ok(answer.data.groups.into_iter().flat_map(|group| group.rules).collect())
    }

    /// Alerts that are pending or fire.
    pub async fn alerts(&self) -> Result<Vec<Alert>, WatchError> {
        let answer: Envelope<Alerts> = self.json("/prometheus/api/v1/alerts").await?;
        Ok(answer.data.alerts)
    }
}
