//! What figures are in, and when they are bad.

use serde::Serialize;
use serde_json::{Value, json};

/// What a figure is in, by Grafana's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Unit {
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "dtdurations")]
    Duration,
    #[serde(rename = "bytes")]
    Bytes,
    #[serde(rename = "Bps")]
    BytesPerSecond,
    #[serde(rename = "reqps")]
    RequestsPerSecond,
    #[serde(rename = "ops")]
    PerSecond,
    #[serde(rename = "cpm")]
    PerMinute,
    /// Of 1.
    #[serde(rename = "percentunit")]
    Share,
    #[serde(rename = "short")]
    Count,
    /// Yes and no, words, versions: numbers that are not to be rounded.
    #[serde(rename = "none")]
    Plain,
}

/// From this value on it has this colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Level {
    Good(f64),
    Odd(f64),
    Bad(f64),
}

impl Level {
    fn step(self) -> Value {
        let (colour, from) = match self {
            Self::Good(from) => ("green", from),
            Self::Odd(from) => ("orange", from),
            Self::Bad(from) => ("red", from),
        };
        json!({"color": colour, "value": from})
    }
}

/// Grafana's thresholds: what is below all levels has the first colour.
pub(super) fn thresholds(below: &str, levels: &[Level]) -> Value {
    let mut steps = vec![json!({"color": below, "value": null})];
    steps.extend(levels.iter().map(|level| level.step()));
    json!({"mode": "absolute", "steps": steps})
}

/// A value that is a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) value: u32,
    pub(crate) text: &'static str,
    pub(crate) good: bool,
}

impl Mapping {
    /// 1 is well, 0 is not.
    pub(crate) const fn yes_no(yes: &'static str, no: &'static str) -> [Self; 2] {
        [Self { value: 1, text: yes, good: true }, Self { value: 0, text: no, good: false }]
    }
}

/// Grafana's mappings.
pub(super) fn mappings(of: &[Mapping]) -> Value {
    if of.is_empty() {
        return json!([]);
    }
    let options: serde_json::Map<_, _> = of
        .iter()
        .zip(0..)
        .map(|(mapping, index)| {
            let colour = if mapping.good { "green" } else { "red" };
            (mapping.value.to_string(), json!({"text": mapping.text, "color": colour, "index": index}))
        })
        .collect();
    json!([{"type": "value", "options": options}])
}
