//! The shop's traces.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Admin, WatchError};

/// A piece of work in a trace.
#[derive(Clone, Debug)]
pub struct Span {
    /// Its id.
    pub id: String,
    /// The span that it is a part of, or follows, if any.
    pub parent: Option<String>,
    /// The service that did it.
    pub service: String,
    /// What was done.
    pub operation: String,
    /// What is noted beside it.
    pub tags: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Vec<T>,
}

#[derive(Deserialize)]
struct Trace {
    spans: Vec<RawSpan>,
    processes: BTreeMap<String, Process>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSpan {
    #[serde(rename = "spanID")]
    span_id: String,
    operation_name: String,
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(rename = "processID")]
    process_id: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    service_name: String,
}

#[derive(Deserialize)]
struct Tag {
    key: String,
    value: Value,
}

impl Admin {
    /// The spans of a trace that have arrived so far; none of one that nobody has heard of.
    pub async fn trace(&self, id: &str) -> Result<Vec<Span>, WatchError> {
        let answer: Answer<Trace> = match self.json(&format!("/jaeger/api/traces/{id}")).await {
            Err(WatchError::Refused { status, .. }) if status == reqwest::StatusCode::NOT_FOUND => {
                return Ok(Vec::new());
            }
            other => other?,
        };
        let spans = answer.data.into_iter().flat_map(|Trace { spans, processes }| {
            spans.into_iter().map(move |span| Span {
                service: processes.get(&span.process_id).map(|it| it.service_name.clone()).unwrap_or_default(),
                id: span.span_id,
                parent: span.references.into_iter().next().map(|it| it.span_id),
                operation: span.operation_name,
                tags: span.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
            })
        });
        Ok(spans.collect())
    }

    /// The services that traces were heard of.
    pub async fn traced_services(&self) -> Result<Vec<String>, WatchError> {
        let answer: Answer<String> = self.json("/jaeger/api/services").await?;
        Ok(answer.data)
    }
}
