//! The operator. Shops run without it; what changes, breaks or expires meanwhile is not put right.

use super::Context;
use crate::promql::{Job, Selector, absent};
use crate::rules::{Alert, Severity};

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    vec![down(context), leaderless(context), failing(context), backoff(context)]
}

fn of(context: &Context<'_>, name: &str) -> Selector {
    context.job(Job::Operator).metric(name)
}

fn down(context: &Context<'_>) -> Alert {
    let none = absent(&of(context, "up").now().equal(1.0));
    context
        .alert("OperatorDown", Severity::Warning, "operator", &none)
        .lasting(context.minutes(5))
        .says(
            "The operator is not seen.",
            "No replica of the operator tells its figures: changes of the Store and what breaks in it are not seen to.",
        )
        .on("shop-operator")
}

fn leaderless(context: &Context<'_>) -> Alert {
    context
        .alert(
            "OperatorLeaderless",
            Severity::Warning,
            "operator",
            &of(context, "operator_leader").now().sum(&[]).equal(0.0),
        )
        .lasting(context.minutes(2))
        .says("No replica of the operator works.", "Replicas of the operator run, and none of them holds the Lease.")
        .on("shop-operator")
}

fn failing(context: &Context<'_>) -> Alert {
    let all = of(context, "operator_reconcile_total");
    let failed = all.clone().unlike("result", "ok|NotLeading").rate(context.lately()).sum(&[]);
    let share = failed.share_of(&all.rate(context.lately()).sum(&[]));
    context
        .alert("OperatorErrors", Severity::Warning, "operator", &share.above(0.5))
        .lasting(context.minutes(15))
        .says(
            "The operator fails at most of what it does.",
            "{{ $value | humanizePercentage }} of the operator's looks at Stores end in an error.",
        )
        .on("shop-operator")
}

fn backoff(context: &Context<'_>) -> Alert {
    let waiting = of(context, "operator_objects_in_backoff").now().max(&[]);
    context
        .alert("OperatorBackoff", Severity::Info, "operator", &waiting.above(0.0))
        .lasting(context.minutes(15))
        .says(
            "Stores wait for another try.",
            "{{ $value }} Stores in this cluster failed and wait for another try; this one may be among them.",
        )
        .on("shop-operator")
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    let operator = [("service", "operator")];
    let reconciles = |well, failed| {
        Example::of("OperatorErrors", "40m")
            .with("operator", "operator_reconcile_total", r#"controller="store",result="ok""#, well)
            .with("operator", "operator_reconcile_total", r#"controller="store",result="ApplyFailed""#, failed)
            .with("operator", "operator_reconcile_total", r#"controller="store",result="NotLeading""#, "0+1x100")
    };
    let gone =
        "No replica of the operator tells its figures: changes of the Store and what breaks in it are not seen to.";
    vec![
        Example::of("OperatorDown", "10m").with("operator", "up", r#"instance="a""#, "0x60").fires(
            Severity::Warning,
            operator,
            gone,
        ),
        Example::of("OperatorDown", "10m").with("operator", "up", r#"instance="a""#, "0x60").with(
            "operator",
            "up",
            r#"instance="b""#,
            "1x60",
        ),
        Example::of("OperatorLeaderless", "10m")
            .with("operator", "operator_leader", r#"instance="a""#, "0x60")
            .with("operator", "operator_leader", r#"instance="b""#, "0x60")
            .fires(Severity::Warning, operator, "Replicas of the operator run, and none of them holds the Lease."),
        Example::of("OperatorLeaderless", "10m").with("operator", "operator_leader", r#"instance="a""#, "0x60").with(
            "operator",
            "operator_leader",
            r#"instance="b""#,
            "1x60",
        ),
        reconciles("0+0x100", "0+4x100").fires(
            Severity::Warning,
            operator,
            "80% of the operator's looks at Stores end in an error.",
        ),
        reconciles("0+8x100", "0+1x100"),
        Example::of("OperatorBackoff", "30m").with("operator", "operator_objects_in_backoff", "", "2x100").fires(
            Severity::Info,
            operator,
            "2 Stores in this cluster failed and wait for another try; this one may be among them.",
        ),
        Example::of("OperatorBackoff", "30m").with("operator", "operator_objects_in_backoff", "", "2x20 0x100"),
    ]
}
