//! Service levels: how many requests fail or are slow, over which times, and how fast that uses up what may fail.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::alerts::Context;
use crate::promql::{Expr, Job, SERVICES, Selector, Window, number, prometheus_duration};
use crate::rules::{Group, Recording, Rule, Severity};
use crate::settings::Windows;

/// The share of requests that are to be answered in time: that is what a 99th percentile says.
pub(crate) const IN_TIME: f64 = 0.99;
/// What customers ask for through the gateway, not what administrators look at.
pub(crate) const SHOP: &str = "catalog|cart|order|user|storefront";
const BY: [&str; 3] = ["namespace", "store", "service"];
/// The upper bounds of `http_request_duration_seconds`.
const BOUNDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Requests succeed.
    Availability,
    /// Requests are answered in time.
    Latency,
}

impl Level {
    pub(crate) const ALL: [Self; 2] = [Self::Availability, Self::Latency];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Latency => "latency",
        }
    }

    /// The share that is to be good.
    pub(crate) const fn objective(self, context: &Context<'_>) -> f64 {
        match self {
            Self::Availability => context.settings.availability,
            Self::Latency => IN_TIME,
        }
    }

    /// The share that may be bad.
    pub(crate) fn budget(self, context: &Context<'_>) -> f64 {
        rounded(1.0 - self.objective(context))
    }
}

/// Without the last digits, which only tell how computers count.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}

/// A long and a short time over which the budget is used up this many times too fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Burn {
    pub(crate) severity: Severity,
    pub(crate) long: Duration,
    pub(crate) short: Duration,
    pub(crate) factor: f64,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// From the quickest to the slowest, as the workbook of site reliability engineers has them. A demonstration has the same factors over
/// times that it lasts for.
pub(crate) fn burns(windows: Windows) -> [Burn; 4] {
    let times = match windows {
        Windows::Standard => [(HOUR, 5 * MINUTE), (6 * HOUR, 30 * MINUTE), (DAY, 2 * HOUR), (3 * DAY, 6 * HOUR)],
        Windows::Demo => {
            [(5 * MINUTE, MINUTE), (15 * MINUTE, 3 * MINUTE), (30 * MINUTE, 10 * MINUTE), (HOUR, 15 * MINUTE)]
        }
    };
    let kinds =
        [(Severity::Critical, 14.4), (Severity::Critical, 6.0), (Severity::Warning, 3.0), (Severity::Warning, 1.0)];
    std::array::from_fn(|index| {
        let ((long, short), (severity, factor)) = (times[index], kinds[index]);
        Burn { severity, long: Duration::from_secs(long), short: Duration::from_secs(short), factor }
    })
}

/// The time that everything else is worked out from: the shortest.
fn base(context: &Context<'_>) -> Duration {
    burns(context.settings.windows)[0].short
}

/// All times, from the shortest to the longest.
fn times(context: &Context<'_>) -> Vec<Duration> {
    let mut times: Vec<_> =
        burns(context.settings.windows).into_iter().flat_map(|burn| [burn.short, burn.long]).collect();
    times.sort_unstable();
    times.dedup();
    times
}

/// The recorded series of the share of bad requests over this time.
pub(crate) fn ratio(context: &Context<'_>, over: Duration) -> Selector {
    context.scope.recorded().metric(&format!("slo:sli_error:ratio_rate{}", prometheus_duration(over)))
}

/// The recorded series of requests a second.
pub(crate) fn requests(context: &Context<'_>) -> Selector {
    context.scope.recorded().metric(&format!("slo:sli_requests:rate{}", prometheus_duration(base(context))))
}

fn errors(context: &Context<'_>) -> Selector {
    context.scope.recorded().metric(&format!("slo:sli_errors:rate{}", prometheus_duration(base(context))))
}

/// What is recorded, in groups that build on one another.
pub(crate) fn groups(context: &Context<'_>) -> Vec<Group> {
    // Prometheus' own interval is short; over days it need not be.
    let interval = match context.settings.windows {
        Windows::Standard => Some("30s".to_owned()),
        Windows::Demo => None,
    };
    let mut rules = counted(context);
    rules.extend(times(context).into_iter().map(|over| share(context, over)));
    rules.extend(Level::ALL.into_iter().flat_map(|level| used_up(context, level)));
    let rules = rules.into_iter().map(Rule::Recording).collect();
    vec![Group { name: "service-levels".into(), interval, rules }]
}

/// Requests and bad requests a second, by what asks for them.
fn counted(context: &Context<'_>) -> Vec<Recording> {
    let window = Window::Last(base(context));
    let served = context.scope.jobs(&SERVICES).metric("http_request_duration_seconds_count");
    let in_time = context.scope.jobs(&SERVICES).metric("http_request_duration_seconds_bucket");
    let edge = context.scope.job(Job::Gateway).metric("gateway_request_duration_seconds_count").like("service", SHOP);

    let all = served.rate(window).sum(&BY);
    let at_the_edge = edge.rate(window).sum(&BY[..2]);
    let failed = |selector: Selector, by: &[&str]| selector.like("status", "5..").rate(window).sum(by);
    let or_none = |failed: &Expr, all: &Expr| failed.or(&(all.clone() * number(0.0)));
    let slow =
        (all.clone() - in_time.up_to(bound(context.settings.latency_p99)).rate(window).sum(&BY)).at_least_nothing();

    let (requests, errors) = (
        format!("slo:sli_requests:rate{}", prometheus_duration(base(context))),
        format!("slo:sli_errors:rate{}", prometheus_duration(base(context))),
    );
    let availability = |name: &str, expr: &Expr| recording(name, expr, &[("slo", "availability")]);
    let gateway = |name: &str, expr: &Expr| recording(name, expr, &[("slo", "availability"), ("service", "gateway")]);
    let latency = |name: &str, expr: &Expr| recording(name, expr, &[("slo", "latency")]);
    vec![
        availability(&requests, &all),
        gateway(&requests, &at_the_edge),
        latency(&requests, &all),
        availability(&errors, &or_none(&failed(served, &BY), &all)),
        gateway(&errors, &or_none(&failed(edge, &BY[..2]), &at_the_edge)),
        latency(&errors, &slow),
    ]
}

/// The share of bad requests over this time, every request of it being worth the same.
fn share(context: &Context<'_>, over: Duration) -> Recording {
    let of = |selector: Selector| {
        if over == base(context) { selector.now() } else { selector.added_up(Window::Last(over)) }
    };
    let name = format!("slo:sli_error:ratio_rate{}", prometheus_duration(over));
    recording(&name, &of(errors(context)).share_of(&of(requests(context))), &[])
}

/// What is promised, and how fast that which may fail is used up.
fn used_up(context: &Context<'_>, level: Level) -> [Recording; 4] {
    let slo = level.as_str();
    let longest = times(context).last().copied().unwrap_or_default();
    let objective = requests(context).labelled("slo", slo).now() * number(0.0) + number(level.objective(context));
    let burning = |over| ratio(context, over).labelled("slo", slo).now() / number(level.budget(context));
    let left = number(1.0) - burning(longest);
    let labels = [("slo", slo)];
    [
        recording("slo:objective:ratio", &objective, &labels),
        recording("slo:current_burn_rate:ratio", &burning(base(context)), &labels),
        recording("slo:period_burn_rate:ratio", &burning(longest), &labels),
        recording("slo:period_error_budget_remaining:ratio", &left, &labels),
    ]
}

/// The bound of a bucket that is nearest to this time from above.
fn bound(time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    BOUNDS.into_iter().find(|bound| *bound >= seconds).unwrap_or(BOUNDS[BOUNDS.len() - 1])
}

fn recording(name: &str, expr: &Expr, labels: &[(&str, &str)]) -> Recording {
    let labels: BTreeMap<_, _> =
        labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
    Recording { record: name.to_owned(), expr: expr.to_string(), labels }
}
