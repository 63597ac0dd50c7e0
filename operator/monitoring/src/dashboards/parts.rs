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

/// A figure that is not told before something has happened is 0 until then, and not beside what is told by then.
pub(super) fn or_nothing(figure: &Expr, of: &Source) -> Expr {
    figure.or_if_none(&(of.metric("up").now().sum(&[]) * number(0.0)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::promtool::promtool;

    #[test]
    fn nothing_stands_beside_what_is_told() {
        let logins = or_nothing(&job(Job::User).metric("logins").now().sum(&["outcome"]), &job(Job::User)).to_string();
        let query = logins.replace("$namespace", "shop").replace("$store", "demo");
        let of = |name: &str, more: &str, value: u32| json!({"series": format!(r#"{name}{{namespace="shop",store="demo",job="user"{more}}}"#), "values": format!("{value}x5")});
        let gives = |series: &[Value], samples: &Value| {
            let test = json!({"expr": query, "eval_time": "1m", "exp_samples": samples});
            json!({"interval": "30s", "input_series": series, "promql_expr_test": [test]})
        };
        let (up, rejected) = (of("up", "", 1), of("logins", r#",outcome="rejected""#, 3));
        let tests = json!({"tests": [
            gives(&[up.clone(), rejected], &json!([{"labels": r#"{outcome="rejected"}"#, "value": 3}])),
            gives(&[up], &json!([{"labels": "{}", "value": 0}])),
            gives(&[], &json!([])),
        ]});
        promtool(&["test", "rules", "parts.yaml"], &[("parts.yaml", &tests)]);
    }
}
