//! What many panels ask for.

use crate::promql::{Expr, Job, Scope, Source, Window, number};

/// As far as one dot of a panel needs.
pub(super) const NOW: Window = Window::Panel;

/// What a job of the chosen shop tells.
pub(super) fn job(job: Job) -> Source {
    Scope::chosen().job(job)
}

/// What several jobs of the chosen shop tell.
pub(super) fn jobs(jobs: &[Job]) -> Source {
    Scope::chosen().jobs(jobs)
}

/// What rules record of the chosen shop.
pub(super) fn recorded() -> Source {
    Scope::chosen().recorded()
}

/// How fast counters rise, for each value of these labels.
pub(super) fn rate(of: &Source, name: &str, by: &[&str]) -> Expr {
    of.metric(name).rate(NOW).sum(by)
}

/// The percentile of a histogram, for each value of these labels.
pub(super) fn quantile(of: &Source, histogram: &str, share: f64, by: &[&str]) -> Expr {
    of.metric(&format!("{histogram}_bucket")).rate(NOW).quantile(share, by)
}

/// What a histogram's observations were on average, for each value of these labels.
pub(super) fn mean(of: &Source, histogram: &str, by: &[&str]) -> Expr {
    let part = |end| rate(of, &format!("{histogram}_{end}"), by);
    part("sum").share_of(&part("count"))
}

/// A figure that is not told before something has happened is 0 until then.
pub(super) fn or_nothing(figure: &Expr, of: &Source) -> Expr {
    figure.or(&(of.metric("up").now().sum(&[]) * number(0.0)))
}
