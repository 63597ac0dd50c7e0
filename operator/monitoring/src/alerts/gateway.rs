//! The gateway: what it can't pass on, and what is not known of it.

use super::Context;
use super::draft::SOME_TRAFFIC;
use crate::promql::Job;
use crate::rules::{Alert, Severity};
use crate::service_levels::SHOP;

/// So many tries for each request may find no pod, as while pods are replaced. A request that finds none is tried several times.
const FEW: f64 = 0.01;

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    vec![failures(context), dropped(context)]
}

fn failures(context: &Context<'_>) -> Alert {
    let gateway = context.job(Job::Gateway);
    let failed = gateway.metric("gateway_upstream_failures_total").like("service", SHOP);
    let all = gateway.metric("gateway_request_duration_seconds_count").like("service", SHOP);
    let rate = all.rate(context.recently()).sum(&["service"]);
    let share = failed.rate(context.recently()).sum(&["service"]).share_of(&rate).above(FEW);
    context
        .alert(
            "GatewayUpstreamFailures",
            Severity::Critical,
            "{{ $labels.service }}",
            &share.and(&rate.above(SOME_TRAFFIC)),
        )
        .lasting(context.minutes(3))
        .says(
            "The gateway can't pass requests on.",
            "Tries that found no pod that answered come to {{ $value | humanizePercentage }} of the requests for {{ $labels.service }}.",
        )
        .on("shop-gateway")
}

fn dropped(context: &Context<'_>) -> Alert {
    let lines = context.job(Job::Gateway).metric("gateway_log_lines_dropped_total");
    context
        .alert("GatewayLogLinesDropped", Severity::Info, "gateway", &lines.rate(context.recently()).sum(&[]).above(0.0))
        .lasting(context.minutes(10))
        .says(
            "The gateway's figures are incomplete.",
            "{{ $value | printf \"%.2f\" }} lines of the gateway's log a second are lost before they are counted.",
        )
        .on("shop-gateway")
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    let count = "gateway_request_duration_seconds_count";
    let failures = "gateway_upstream_failures_total";
    let dropped = "gateway_log_lines_dropped_total";
    let cart = r#"service="cart""#;
    vec![
        Example::of("GatewayUpstreamFailures", "15m")
            .with("gateway", count, cart, "0+100x60")
            .with("gateway", failures, cart, "0+150x60")
            .fires(
                Severity::Critical,
                [("service", "cart")],
                "Tries that found no pod that answered come to 150% of the requests for cart.",
            ),
        Example::of("GatewayUpstreamFailures", "15m")
            .with("gateway", count, cart, "0+1000x60")
            .with("gateway", failures, cart, "0+1x60"),
        Example::of("GatewayLogLinesDropped", "20m").with("gateway", dropped, "", "0+15x60").fires(
            Severity::Info,
            [("service", "gateway")],
            "0.50 lines of the gateway's log a second are lost before they are counted.",
        ),
        Example::of("GatewayLogLinesDropped", "20m").with("gateway", dropped, "", "7x60"),
    ]
}
