//! A query of a panel.

use serde::Serialize;
use serde_json::{Value, json};

use crate::promql::Expr;

/// A query and what its lines are called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    expr: String,
    legend: String,
    exemplars: bool,
}

/// How the answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    TimeSeries,
    Table,
    Heatmap,
}

impl Target {
    /// A query whose lines are called so, with labels as `{{route}}`.
    pub(crate) fn new(expr: &Expr, legend: &str) -> Self {
        Self { expr: expr.to_string(), legend: legend.to_owned(), exemplars: false }
    }

    /// With dots that lead to traces.
    pub(crate) fn with_exemplars(mut self) -> Self {
        self.exemplars = true;
        self
    }

    pub(super) fn expr(&self) -> &str {
        &self.expr
    }

    pub(super) fn json(&self, index: u8, format: Format) -> Value {
        let once = format == Format::Table;
        json!({
            "refId": char::from(b'A' + index).to_string(),
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "expr": self.expr, "legendFormat": self.legend, "format": format,
            "instant": once, "range": !once, "exemplar": self.exemplars, "editorMode": "code",
        })
    }
}
