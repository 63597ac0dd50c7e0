//! The alert that always fires, so that silence can be told from a broken way of telling.

use super::Context;
use crate::promql::Expr;
use crate::rules::{Alert, Severity};

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    vec![
        context
            .alert("Watchdog", Severity::Info, "prometheus", &Expr::always())
            .says(
                "Alerts find their way.",
                "This alert always fires. When it stops arriving, nobody is told of anything any more.",
            )
            .on("shop-runtime"),
    ]
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    vec![Example::of("Watchdog", "0m").with("catalog", "up", "", "1x10").fires(
        Severity::Info,
        [("service", "prometheus")],
        "This alert always fires. When it stops arriving, nobody is told of anything any more.",
    )]
}
