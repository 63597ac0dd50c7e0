//! What watches, watched.

use super::Context;
use crate::promql::{Job, Selector, Window};
use crate::rules::{Alert, Severity};

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    vec![rules(context), alerts_lost(context), notifications(context)]
}

fn prometheus(context: &Context<'_>, name: &str) -> Selector {
    context.job(Job::Prometheus).metric(name)
}

fn rules(context: &Context<'_>) -> Alert {
    let failed = prometheus(context, "prometheus_rule_evaluation_failures_total").increase(context.recently());
    context
        .alert("PrometheusRulesFail", Severity::Warning, "prometheus", &failed.sum(&["rule_group"]).above(0.0))
        .lasting(context.minutes(5))
        .says(
            "Rules can't be evaluated, so alerts may be missing.",
            "{{ $value | humanize }} evaluations of rules in {{ $labels.rule_group }} failed lately.",
        )
        .on("shop-runtime")
}

/// Until Alertmanager is back nobody can be told, and Prometheus tries again once a minute: the alert must last longer than that, also in a
/// demonstration.
const RETRIED: Window = Window::minutes(3);

fn alerts_lost(context: &Context<'_>) -> Alert {
    let of = |name| prometheus(context, name).rate(RETRIED).sum(&[]);
    let lost = of("prometheus_notifications_errors_total") + of("prometheus_notifications_dropped_total");
    context
        .alert("PrometheusAlertsLost", Severity::Warning, "prometheus", &lost.above(0.0))
        .lasting(context.minutes(5))
        .says(
            "Prometheus can't tell Alertmanager of alerts.",
            "{{ $value | printf \"%.2f\" }} alerts a second do not reach Alertmanager.",
        )
        .on("shop-runtime")
}

fn notifications(context: &Context<'_>) -> Alert {
    let of = |name| context.job(Job::Alertmanager).metric(name).rate(context.lately()).sum(&["integration"]);
    let share = of("alertmanager_notifications_failed_total").share_of(&of("alertmanager_notifications_total"));
    context
        .alert("NotificationsFail", Severity::Critical, "alertmanager", &share.above(0.01))
        .lasting(context.minutes(5))
        .says(
            "Nobody is told of alerts.",
            "{{ $value | humanizePercentage }} of the messages by {{ $labels.integration }} do not arrive.",
        )
        .on("shop-runtime")
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    let prometheus = [("service", "prometheus")];
    let group = r#"rule_group="alerts-redis""#;
    let telegram = r#"integration="telegram""#;
    let lost = |errors| {
        Example::of("PrometheusAlertsLost", "15m")
            .with("prometheus", "prometheus_notifications_errors_total", r#"alertmanager="a""#, errors)
            .with("prometheus", "prometheus_notifications_dropped_total", "", "0x60")
    };
    let sent = |failed| {
        Example::of("NotificationsFail", "30m")
            .with("alertmanager", "alertmanager_notifications_total", telegram, "0+4x100")
            .with("alertmanager", "alertmanager_notifications_failed_total", telegram, failed)
    };
    vec![
        Example::of("PrometheusRulesFail", "15m")
            .with("prometheus", "prometheus_rule_evaluation_failures_total", group, "0+1x60")
            .fires(
                Severity::Warning,
                [("service", "prometheus"), ("rule_group", "alerts-redis")],
                "10 evaluations of rules in alerts-redis failed lately.",
            ),
        Example::of("PrometheusRulesFail", "15m").with(
            "prometheus",
            "prometheus_rule_evaluation_failures_total",
            group,
            "3x60",
        ),
        lost("0+15x60").fires(Severity::Warning, prometheus, "0.50 alerts a second do not reach Alertmanager."),
        lost("4x60"),
        sent("0+1x100").fires(
            Severity::Critical,
            [("service", "alertmanager"), ("integration", "telegram")],
            "25% of the messages by telegram do not arrive.",
        ),
        sent("0x100"),
    ]
}
