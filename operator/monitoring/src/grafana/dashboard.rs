//! A dashboard and its rows.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::json;

use super::layout::{self, Item};
use super::panel::Panel;
use super::variable::Variable;
use crate::promql::Scope;
use crate::subject::Subject;

/// The version of Grafana's format: of the years that everything still reads.
const SCHEMA_VERSION: u32 = 39;
/// By this tag the dashboards find each other.
const TAG: &str = "shopkeeper";

/// A dashboard, serialised as Grafana's v1 JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    uid: &'static str,
    title: &'static str,
    description: &'static str,
    variables: Vec<Variable>,
    rows: Vec<Row>,
    /// The other dashboards, by uid and title.
    leads_to: Vec<(&'static str, &'static str)>,
}

/// Panels that belong together, under a headline.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) title: &'static str,
    pub(super) panels: Vec<Panel>,
}

impl Dashboard {
    /// A dashboard of one shop, which is chosen in it.
    pub(crate) fn new(uid: &'static str, title: &'static str, description: &'static str) -> Self {
        let variables = vec![Variable::Datasource, Variable::Namespace, Variable::Store];
        Self { uid, title, description, variables, rows: Vec::new(), leads_to: Vec::new() }
    }

    pub(crate) fn choosing(mut self, variable: Variable) -> Self {
        self.variables.push(variable);
        self
    }

    pub(crate) fn row(mut self, title: &'static str, panels: impl Into<Vec<Panel>>) -> Self {
        self.rows.push(Row { title, panels: panels.into() });
        self
    }

    /// With a link to each of these.
    pub(crate) fn leading_to(mut self, others: &[Self]) -> Self {
        self.leads_to = others.iter().map(|other| (other.uid, other.title)).collect();
        self
    }

    /// What it is known by in addresses: it never changes.
    pub const fn uid(&self) -> &'static str {
        self.uid
    }

    /// What people call it.
    pub const fn title(&self) -> &'static str {
        self.title
    }

    /// What it is for.
    pub const fn description(&self) -> &'static str {
        self.description
    }

    /// Its panels, from top to bottom.
    pub(crate) fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(|row| &row.panels)
    }

    /// The queries of its panels about this shop, with the title of the panel: what a Grafana would ask that shows half an hour.
    pub fn queries(&self, subject: &Subject) -> Vec<(&'static str, String)> {
        let about = |query: &str| {
            [("$namespace", &*subject.namespace), ("$store", &*subject.store), ("$job", ".+"), ("$instance", ".+")]
                .into_iter()
                .chain([("$__rate_interval", "1m"), ("$__range", "30m")])
                .fold(query.to_owned(), |query, (variable, value)| query.replace(variable, value))
        };
        let of = |panel: &Panel| panel.queries().map(|query| (panel.title(), about(query))).collect::<Vec<_>>();
        self.panels().flat_map(of).collect()
    }
}

impl Serialize for Dashboard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let items: Vec<Item<'_>> = layout::placed(&self.rows);
        let mut json = serializer.serialize_struct("Dashboard", 15)?;
        json.serialize_field("uid", self.uid)?;
        json.serialize_field("title", self.title)?;
        json.serialize_field("description", self.description)?;
        json.serialize_field("tags", &[TAG])?;
        json.serialize_field("schemaVersion", &SCHEMA_VERSION)?;
        json.serialize_field("editable", &false)?;
        // All panels show the moment that the pointer is at in one of them.
        json.serialize_field("graphTooltip", &1)?;
        json.serialize_field("refresh", "10s")?;
        json.serialize_field("timezone", "browser")?;
        json.serialize_field("time", &json!({"from": "now-30m", "to": "now"}))?;
        json.serialize_field("timepicker", &json!({}))?;
        json.serialize_field("templating", &json!({"list": self.variables}))?;
        json.serialize_field("annotations", &json!({"list": [alerts()]}))?;
        json.serialize_field("links", &self.links())?;
        json.serialize_field("panels", &items)?;
        json.end()
    }
}

/// A line at each moment in which an alert fired.
fn alerts() -> serde_json::Value {
    let firing = Scope::chosen()
        .recorded()
        .metric("ALERTS")
        .labelled("alertstate", "firing")
        .like("severity", "warning|critical");
    json!({
        "name": "Alerts", "enable": true, "hide": false, "iconColor": "red",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "expr": firing.now().sum(&["alertname", "service", "severity"]).to_string(),
        "titleFormat": "{{alertname}}", "textFormat": "{{service}}", "tagKeys": "severity", "step": "30s",
    })
}

impl Dashboard {
    fn links(&self) -> Vec<serde_json::Value> {
        let to = |(uid, title): &(&str, &str)| {
            json!({
                "type": "link", "title": title, "url": format!("/d/{uid}"), "tags": [], "asDropdown": false,
                "includeVars": true, "keepTime": true, "targetBlank": false, "icon": "dashboard", "tooltip": "",
            })
        };
        std::iter::once(siblings()).chain(self.leads_to.iter().map(to)).collect()
    }
}

/// The way to the other dashboards, with the shop and the time that are looked at.
fn siblings() -> serde_json::Value {
    json!({
        "type": "dashboards", "title": "The shop's dashboards", "tags": [TAG], "asDropdown": true,
        "includeVars": true, "keepTime": true, "targetBlank": false, "icon": "external link", "tooltip": "", "url": "",
    })
}
