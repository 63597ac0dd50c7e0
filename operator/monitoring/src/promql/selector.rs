//! Which series are meant, and over which time.

use std::time::Duration;

use super::Expr;
use crate::subject::Subject;

/// What is scraped, by the label `job`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Job {
    Catalog,
    Cart,
    Order,
    User,
    Gateway,
    Postgres,
    Redis,
    Jaeger,
    Prometheus,
    Alertmanager,
    Operator,
    Locust,
}

/// The services that customers buy from.
pub(crate) const SERVICES: [Job; 4] = [Job::Catalog, Job::Cart, Job::Order, Job::User];

impl Job {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Cart => "cart",
            Self::Order => "order",
            Self::User => "user",
            Self::Gateway => "gateway",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Jaeger => "jaeger",
            Self::Prometheus => "prometheus",
            Self::Alertmanager => "alertmanager",
            Self::Operator => "operator",
            Self::Locust => "locust",
        }
    }
}

/// Whose series: those of one shop.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    namespace: String,
    store: String,
}

impl Scope {
    /// The shop that was chosen in a dashboard.
    pub(crate) fn chosen() -> Self {
        Self { namespace: "$namespace".into(), store: "$store".into() }
    }

    /// This shop.
    pub(crate) fn of(subject: &Subject) -> Self {
        Self { namespace: subject.namespace.clone(), store: subject.store.clone() }
    }

    /// What one job tells.
    pub(crate) fn job(&self, job: Job) -> Source {
        self.with("job", "=", job.as_str())
    }

    /// What several jobs tell.
    pub(crate) fn jobs(&self, jobs: &[Job]) -> Source {
        let names: Vec<_> = jobs.iter().map(|job| job.as_str()).collect();
        self.with("job", "=~", &names.join("|"))
    }

    /// What the jobs tell that were chosen in a dashboard.
    pub(crate) fn chosen_jobs(&self) -> Source {
        self.with("job", "=~", "$job")
    }

    /// The series that rules record, which belong to no job.
    pub(crate) fn recorded(&self) -> Source {
        Source { matchers: self.matchers() }
    }

    fn matchers(&self) -> Vec<Matcher> {
        vec![Matcher::new("namespace", "=", &self.namespace), Matcher::new("store", "=", &self.store)]
    }

    fn with(&self, label: &'static str, operator: &'static str, value: &str) -> Source {
        let mut matchers = self.matchers();
        matchers.push(Matcher::new(label, operator, value));
        Source { matchers }
    }
}

/// Series of one origin.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    matchers: Vec<Matcher>,
}

impl Source {
    /// Those of this name.
    pub(crate) fn metric(&self, name: &str) -> Selector {
        Selector { name: name.to_owned(), matchers: self.matchers.clone() }
    }
}

#[derive(Clone, Debug)]
struct Matcher {
    label: &'static str,
    operator: &'static str,
    value: String,
}

impl Matcher {
    fn new(label: &'static str, operator: &'static str, value: &str) -> Self {
        Self { label, operator, value: value.replace('\\', "\\\\").replace('"', "\\\"") }
    }
}

/// Series of one name and of certain labels.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    name: String,
    matchers: Vec<Matcher>,
}

impl Selector {
    /// Those whose label is this.
    pub(crate) fn labelled(self, label: &'static str, value: &str) -> Self {
        self.matching(label, "=", value)
    }

    /// Those whose label is not this.
    pub(crate) fn not_labelled(self, label: &'static str, value: &str) -> Self {
        self.matching(label, "!=", value)
    }

    /// Those whose label is as this expression says.
    pub(crate) fn like(self, label: &'static str, pattern: &str) -> Self {
        self.matching(label, "=~", pattern)
    }

    /// Those whose label is not as this expression says.
    pub(crate) fn unlike(self, label: &'static str, pattern: &str) -> Self {
        self.matching(label, "!~", pattern)
    }

    /// The bucket of a histogram with this upper bound. Whole numbers are written as `1` or `1.0`, depending on who exposes and who reads.
    pub(crate) fn up_to(self, bound: f64) -> Self {
        if bound.fract() == 0.0 {
            self.matching("le", "=~", &format!("{bound}(\\.0)?"))
        } else {
            self.matching("le", "=", &bound.to_string())
        }
    }

    fn matching(mut self, label: &'static str, operator: &'static str, value: &str) -> Self {
        self.matchers.push(Matcher::new(label, operator, value));
        self
    }

    /// What they are now.
    pub(crate) fn now(&self) -> Expr {
        Expr::atom(self.text())
    }

    /// What they were so long ago.
    pub(crate) fn earlier(&self, ago: Duration) -> Expr {
        Expr::atom(format!("{} offset {}", self.text(), prometheus_duration(ago)))
    }

    /// How fast they rise, a second.
    pub(crate) fn rate(&self, window: Window) -> Expr {
        self.over("rate", window)
    }

    /// How much they rose.
    pub(crate) fn increase(&self, window: Window) -> Expr {
        self.over("increase", window)
    }

    /// How often they changed.
    pub(crate) fn changes(&self, window: Window) -> Expr {
        self.over("changes", window)
    }

    /// The highest that they were.
    pub(crate) fn highest(&self, window: Window) -> Expr {
        self.over("max_over_time", window)
    }

    /// What they were on average.
    pub(crate) fn average(&self, window: Window) -> Expr {
        self.over("avg_over_time", window)
    }

    /// All that they were, added up.
    pub(crate) fn added_up(&self, window: Window) -> Expr {
        self.over("sum_over_time", window)
    }

    fn over(&self, function: &str, window: Window) -> Expr {
        Expr::atom(format!("{function}({}[{}])", self.text(), window.text()))
    }

    fn text(&self) -> String {
        let matchers: Vec<_> = self
            .matchers
            .iter()
            .map(|matcher| format!("{}{}\"{}\"", matcher.label, matcher.operator, matcher.value))
            .collect();
        format!("{}{{{}}}", self.name, matchers.join(","))
    }
}

/// How far a query looks back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    /// As far as one dot of the panel needs.
    Panel,
    /// All that the dashboard shows.
    Shown,
    /// So far.
    Last(Duration),
}

impl Window {
    /// So many minutes.
    pub(crate) const fn minutes(minutes: u64) -> Self {
        Self::Last(Duration::from_secs(60 * minutes))
    }

    fn text(self) -> String {
        match self {
            Self::Panel => "$__rate_interval".into(),
            Self::Shown => "$__range".into(),
            Self::Last(length) => prometheus_duration(length),
        }
    }
}

/// `90s` or `2h`: the largest unit in which it is a whole number.
pub(crate) fn prometheus_duration(length: Duration) -> String {
    let seconds = length.as_secs();
    [(86_400, "d"), (3_600, "h"), (60, "m")]
        .into_iter()
        .find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit))
        .map_or_else(|| format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit))
}
