//! Traces: what of them is lost on the way to Jaeger, as those see it who send it.

use super::Context;
use crate::promql::{Job, SERVICES};
use crate::rules::{Alert, Severity};

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    vec![lost(context)]
}

fn lost(context: &Context<'_>) -> Alert {
    let [catalog, cart, order, user] = SERVICES;
    let spans = context.scope.jobs(&[catalog, cart, order, user, Job::Gateway]).metric("trace_spans_total");
    let lost = spans.labelled("outcome", "lost").rate(context.recently()).sum(&["job"]);
    context
        .alert("SpansLost", Severity::Warning, "{{ $labels.job }}", &lost.above(0.0))
        .lasting(context.minutes(5))
        .says(
            "Traces have gaps.",
            "{{ $labels.job }} loses {{ printf \"%.2f\" $value }} spans a second on the way to Jaeger.",
        )
        .on("shop-jaeger")
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    let spans = |lost| {
        Example::of("SpansLost", "15m").with("cart", "trace_spans_total", r#"outcome="sent""#, "0+300x60").with(
            "cart",
            "trace_spans_total",
            r#"outcome="lost""#,
            lost,
        )
    };
    vec![
        spans("0+15x60").fires(
            Severity::Warning,
            [("job", "cart"), ("service", "cart")],
            "cart loses 0.50 spans a second on the way to Jaeger.",
        ),
        // Lost before, as while Jaeger was replaced.
        spans("7x60"),
    ]
}
