//! Jaeger: traces that are lost. Its figures have another end in older versions.

use super::Context;
use crate::promql::{Expr, Job};
use crate::rules::{Alert, Severity};

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    vec![refused(context)]
}

fn rate(context: &Context<'_>, name: &str) -> Expr {
    let of = |name: &str| context.job(Job::Jaeger).metric(name).rate(context.recently()).sum(&[]);
    of(&format!("{name}_total")).or(&of(name))
}

fn refused(context: &Context<'_>) -> Alert {
    context
        .alert(
            "JaegerRefusesSpans",
            Severity::Warning,
            "jaeger",
            &rate(context, "otelcol_receiver_refused_spans").above(0.0),
        )
        .lasting(context.minutes(5))
        .says("Traces have gaps.", "Jaeger refuses {{ $value | printf \"%.2f\" }} spans a second.")
        .on("shop-jaeger")
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    let refused =
        |name, values| Example::of("JaegerRefusesSpans", "15m").with("jaeger", name, r#"receiver="otlp""#, values);
    let jaeger = [("service", "jaeger")];
    vec![
        refused("otelcol_receiver_refused_spans_total", "0+30x60").fires(
            Severity::Warning,
            jaeger,
            "Jaeger refuses 1.00 spans a second.",
        ),
        refused("otelcol_receiver_refused_spans", "0+60x60").fires(
            Severity::Warning,
            jaeger,
            "Jaeger refuses 2.00 spans a second.",
        ),
        refused("otelcol_receiver_refused_spans_total", "0x60"),
    ]
}
