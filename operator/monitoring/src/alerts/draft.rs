//! What all alerts have in common: whose they are, how long they wait, and where they lead to.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::promql::{Expr, Job, Scope, Source, Window, prometheus_duration};
use crate::rules::{Alert, Severity, page_of};
use crate::settings::{AlertSettings, Windows};
use crate::subject::Subject;

/// Whose alerts are made, and how.
#[derive(Clone, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) settings: &'a AlertSettings,
    pub(crate) scope: Scope,
}

/// Below so many requests a second, one request that fails says nothing of the others.
pub(super) const SOME_TRAFFIC: f64 = 0.1;

impl<'a> Context<'a> {
    pub(crate) fn new(subject: &'a Subject, settings: &'a AlertSettings) -> Self {
        Self { subject, settings, scope: Scope::of(subject) }
    }

    /// What a job tells.
    pub(super) fn job(&self, job: Job) -> Source {
        self.scope.job(job)
    }

    /// What is looked back on for a rate: five minutes, in a demonstration one.
    pub(crate) const fn recently(&self) -> Window {
        match self.settings.windows {
            Windows::Standard => Window::minutes(5),
            Windows::Demo => Window::minutes(1),
        }
    }

    /// What is looked back on for what is rare: a quarter of an hour, in a demonstration three minutes.
    pub(super) const fn lately(&self) -> Window {
        match self.settings.windows {
            Windows::Standard => Window::minutes(15),
            Windows::Demo => Window::minutes(3),
        }
    }

    /// So many minutes, of which a demonstration waits a tenth.
    pub(super) fn minutes(&self, minutes: u64) -> Duration {
        match self.settings.windows {
            Windows::Standard => Duration::from_secs(60 * minutes),
            Windows::Demo => Duration::from_secs(6 * minutes),
        }
    }

    /// An alert of this part of the shop, which may be named by a label of the query: `{{ $labels.job }}`.
    pub(super) fn alert(&self, name: &'static str, severity: Severity, service: &str, expr: &Expr) -> Draft<'a> {
        Draft {
            subject: self.subject,
            settings: self.settings,
            name,
            severity,
            service: service.to_owned(),
            expr: expr.to_string(),
            pending: None,
            summary: "",
            description: "",
            dashboard: "shop-overview",
        }
    }
}

/// An alert that is being written.
#[derive(Clone, Debug)]
pub(super) struct Draft<'a> {
    subject: &'a Subject,
    settings: &'a AlertSettings,
    name: &'static str,
    severity: Severity,
    service: String,
    expr: String,
    pending: Option<Duration>,
    summary: &'static str,
    description: &'static str,
    dashboard: &'static str,
}

impl Draft<'_> {
    /// It must be so for this long.
    pub(super) const fn lasting(mut self, pending: Duration) -> Self {
        self.pending = Some(pending);
        self
    }

    /// What it says: a headline without figures, and a sentence with them.
    pub(super) const fn says(mut self, summary: &'static str, description: &'static str) -> Self {
        self.summary = summary;
        self.description = description;
        self
    }

    /// The dashboard that shows it.
    pub(super) fn on(self, dashboard: &'static str) -> Alert {
        Self { dashboard, ..self }.finished()
    }

    fn finished(self) -> Alert {
        let mut labels = self.settings.extra_labels.clone();
        labels.insert("severity".into(), self.severity.as_str().into());
        labels.insert("namespace".into(), self.subject.namespace.clone());
        labels.insert("store".into(), self.subject.store.clone());
        labels.insert("service".into(), self.service);
        let Subject { namespace, store } = self.subject;
        let dashboards = &self.settings.dashboards;
        let annotations = BTreeMap::from([
            ("summary".to_owned(), self.summary.to_owned()),
            ("description".to_owned(), self.description.to_owned()),
            ("runbook_url".to_owned(), format!("{}/{}", self.settings.runbooks, page_of(self.name))),
            (
                "dashboard_url".to_owned(),
                format!("{dashboards}/{}?var-namespace={namespace}&var-store={store}", self.dashboard),
            ),
        ]);
        Alert {
            name: self.name.to_owned(),
            expr: self.expr,
            pending: self.pending.map(prometheus_duration),
            labels,
            annotations,
            severity: self.severity,
        }
    }
}
