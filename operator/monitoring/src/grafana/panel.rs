//! A panel: what it asks, what it is called, and how it is drawn.

use serde::Serialize;
use serde_json::{Value, json};

use super::layout::Place;
use super::style::{Level, Mapping, Unit, mappings, thresholds};
use super::target::{Format, Target};

/// How a panel is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Lines over time.
    Lines,
    /// Areas over time that add up.
    Areas,
    /// One figure.
    Figure,
    /// A histogram over time.
    Heatmap,
    /// A table of what is now.
    Table,
    /// Bars of what is now.
    Bars,
}

/// A panel: what it asks, what it is called, and how it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Panel {
    kind: Kind,
    title: &'static str,
    description: &'static str,
    unit: Unit,
    targets: Vec<Target>,
    levels: Vec<Level>,
    mappings: Vec<Mapping>,
    width: u32,
    /// The highest that the axis shows, where that is known.
    max: Option<f64>,
}

/// A panel at its place, as Grafana reads it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Placed<'a> {
    id: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    description: &'a str,
    datasource: Value,
    grid_pos: Place,
    targets: Vec<Value>,
    field_config: Value,
    options: Value,
    transformations: Vec<Value>,
}

impl Panel {
    fn new(kind: Kind, title: &'static str, unit: Unit, width: u32) -> Self {
        let (description, targets, levels, mappings) = ("", Vec::new(), Vec::new(), Vec::new());
        Self { kind, title, description, unit, targets, levels, mappings, width, max: None }
    }

    /// Lines over time.
    pub(crate) fn lines(title: &'static str, unit: Unit) -> Self {
        Self::new(Kind::Lines, title, unit, 8)
    }

    /// Areas over time that add up.
    pub(crate) fn areas(title: &'static str, unit: Unit) -> Self {
        Self::new(Kind::Areas, title, unit, 8)
    }

    /// One figure, or a few.
    pub(crate) fn figure(title: &'static str, unit: Unit) -> Self {
        Self::new(Kind::Figure, title, unit, 4)
    }

    /// A histogram over time.
    pub(crate) fn heatmap(title: &'static str, unit: Unit) -> Self {
        Self::new(Kind::Heatmap, title, unit, 12)
    }

    /// A table of what is now.
    pub(crate) fn table(title: &'static str, unit: Unit) -> Self {
        Self::new(Kind::Table, title, unit, 12)
    }

    /// Bars of what is now.
    pub(crate) fn bars(title: &'static str, unit: Unit) -> Self {
        Self::new(Kind::Bars, title, unit, 12)
    }

    /// What it shows, and what is bad.
    pub(crate) fn about(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    pub(crate) fn with(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }

    /// From which values on it is good, odd or bad, in rising order.
    pub(crate) fn levels(mut self, levels: impl Into<Vec<Level>>) -> Self {
        self.levels = levels.into();
        self
    }

    pub(crate) fn words(mut self, mappings: impl Into<Vec<Mapping>>) -> Self {
        self.mappings = mappings.into();
        self
    }

    /// So many of the grid's 24 columns.
    pub(crate) fn wide(mut self, columns: u32) -> Self {
        self.width = columns;
        self
    }

    /// It is never more than this.
    pub(crate) fn up_to(mut self, max: f64) -> Self {
        self.max = Some(max);
        self
    }

    pub(crate) const fn title(&self) -> &'static str {
        self.title
    }

    pub(crate) fn queries(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().map(Target::expr)
    }

    pub(super) const fn width(&self) -> u32 {
        self.width
    }

    pub(super) const fn height(&self) -> u32 {
        match self.kind {
            Kind::Figure => 4,
            Kind::Lines | Kind::Areas | Kind::Heatmap | Kind::Table | Kind::Bars => 8,
        }
    }

    /// The same at its place.
    pub(super) fn placed(&self, id: u32, grid_pos: Place) -> Placed<'_> {
        let format = match self.kind {
            Kind::Table => Format::Table,
            Kind::Heatmap => Format::Heatmap,
            Kind::Lines | Kind::Areas | Kind::Figure | Kind::Bars => Format::TimeSeries,
        };
        Placed {
            id,
            kind: self.kind.plugin(),
            title: self.title,
            description: self.description,
            datasource: json!({"type": "prometheus", "uid": "${datasource}"}),
            grid_pos,
            targets: self.targets.iter().zip(0..).map(|(target, index)| target.json(index, format)).collect(),
            field_config: json!({"defaults": self.field(), "overrides": []}),
            options: self.kind.options(self.unit),
            transformations: self.kind.transformations(self.title),
        }
    }

    fn field(&self) -> Value {
        let mut field = json!({
            "unit": self.unit,
            "mappings": mappings(&self.mappings),
            "thresholds": thresholds(self.colour_below(), &self.levels),
            "custom": self.kind.custom(),
        });
        if !self.levels.is_empty() && matches!(self.kind, Kind::Figure | Kind::Table | Kind::Bars) {
            field["color"] = json!({"mode": "thresholds"});
        }
        if matches!(self.kind, Kind::Lines | Kind::Areas | Kind::Bars) {
            field["min"] = json!(0);
        }
        if let Some(max) = self.max {
            field["max"] = json!(max);
        }
        field
    }

    /// What is below the first level is good, unless that level is where good begins.
    fn colour_below(&self) -> &'static str {
        match self.levels.first() {
            Some(Level::Good(_) | Level::Odd(_)) if self.rising() => "red",
            _ => "green",
        }
    }

    /// Whether more is better.
    fn rising(&self) -> bool {
        matches!(self.levels.last(), Some(Level::Good(_)))
    }
}

impl Kind {
    const fn plugin(self) -> &'static str {
        match self {
            Self::Lines | Self::Areas => "timeseries",
            Self::Figure => "stat",
            Self::Heatmap => "heatmap",
            Self::Table => "table",
            Self::Bars => "bargauge",
        }
    }

    fn custom(self) -> Value {
        match self {
            Self::Lines => json!({"drawStyle": "line", "lineWidth": 1, "fillOpacity": 5, "showPoints": "never"}),
            Self::Areas => json!({
                "drawStyle": "line", "lineWidth": 1, "fillOpacity": 30, "showPoints": "never",
                "stacking": {"mode": "normal", "group": "A"},
            }),
            Self::Table => json!({"align": "auto", "filterable": true, "cellOptions": {"type": "color-text"}}),
            Self::Figure | Self::Heatmap | Self::Bars => json!({}),
        }
    }

    fn options(self, unit: Unit) -> Value {
        let last = json!({"calcs": ["lastNotNull"], "fields": "", "values": false});
        match self {
            Self::Lines | Self::Areas => json!({
                "legend": {"displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": ["lastNotNull", "max"]},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }),
            Self::Figure => json!({
                "reduceOptions": last, "colorMode": "value", "graphMode": "area", "textMode": "auto", "orientation": "auto",
            }),
            Self::Bars => json!({
                "reduceOptions": last, "displayMode": "basic", "orientation": "horizontal", "showUnfilled": true,
            }),
            Self::Table => json!({"showHeader": true, "cellHeight": "sm"}),
            Self::Heatmap => json!({
                "calculate": false, "yAxis": {"unit": unit, "axisPlacement": "left"}, "cellGap": 1,
                "color": {"mode": "scheme", "scheme": "Spectral", "steps": 64, "reverse": true},
                "exemplars": {"color": "rgba(255,0,255,0.7)"}, "tooltip": {"mode": "single", "yHistogram": true},
                "legend": {"show": true},
            }),
        }
    }

    /// A table shows labels and the value, not the moment.
    fn transformations(self, title: &str) -> Vec<Value> {
        if self != Self::Table {
            return Vec::new();
        }
        vec![json!({
            "id": "organize",
            "options": {"excludeByName": {"Time": true}, "renameByName": {"Value": title}},
        })]
    }
}
