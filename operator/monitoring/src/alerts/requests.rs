//! How each service answers: how fast, how much, how often not at all.

use super::Context;
use super::draft::SOME_TRAFFIC;
use crate::promql::{Expr, SERVICES, Selector, number};
use crate::rules::{Alert, Severity};

const BY: [&str; 1] = ["job"];

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    let mut all = vec![slow_p99(context), slow_p95(context), failing(context)];
    all.extend((context.settings.max_requests_per_second > 0.0).then(|| many(context)));
    all.extend((context.settings.min_requests_per_second > 0.0).then(|| few(context)));
    all
}

fn served(context: &Context<'_>) -> Selector {
    context.scope.jobs(&SERVICES).metric("http_request_duration_seconds_count")
}

fn rate(context: &Context<'_>) -> Expr {
    served(context).rate(context.recently()).sum(&BY)
}

/// The percentile where it is above the limit and there are requests at all.
fn slower_than(context: &Context<'_>, share: f64, limit: f64) -> Expr {
    let buckets = context.scope.jobs(&SERVICES).metric("http_request_duration_seconds_bucket");
    let slow = buckets.rate(context.recently()).quantile(share, &BY).above(limit);
    slow.and(&rate(context).above(SOME_TRAFFIC))
}

fn slow_p99(context: &Context<'_>) -> Alert {
    let expr = slower_than(context, 0.99, context.settings.latency_p99.as_secs_f64());
    context
        .alert("HighLatencyP99", Severity::Warning, "{{ $labels.job }}", &expr)
        .lasting(context.minutes(5))
        .says(
            "One of a hundred requests is slow.",
            "One of a hundred requests to {{ $labels.job }} takes {{ $value | humanizeDuration }} or longer.",
        )
        .on("shop-overview")
}

fn slow_p95(context: &Context<'_>) -> Alert {
    let expr = slower_than(context, 0.95, context.settings.latency_p95.as_secs_f64());
    context
        .alert("HighLatencyP95", Severity::Info, "{{ $labels.job }}", &expr)
        .lasting(context.minutes(5))
        .says(
            "One of twenty requests is slow.",
            "One of twenty requests to {{ $labels.job }} takes {{ $value | humanizeDuration }} or longer.",
        )
        .on("shop-overview")
}

fn failing(context: &Context<'_>) -> Alert {
    let failed = served(context).like("status", "5..").rate(context.recently()).sum(&BY);
    let share = failed.share_of(&rate(context)).above(context.settings.error_ratio);
    let expr = share.and(&rate(context).above(SOME_TRAFFIC));
    context
        .alert("HighErrorRate", Severity::Warning, "{{ $labels.job }}", &expr)
        .lasting(context.minutes(5))
        .says(
            "A service fails requests.",
            "{{ $value | humanizePercentage }} of the requests to {{ $labels.job }} fail.",
        )
        .on("shop-overview")
}

fn many(context: &Context<'_>) -> Alert {
    let expr = rate(context).above(context.settings.max_requests_per_second);
    context
        .alert("HighRequestRate", Severity::Warning, "{{ $labels.job }}", &expr)
        .lasting(context.minutes(5))
        .says(
            "A service gets more requests than it was measured for.",
            "{{ $labels.job }} gets {{ $value | printf \"%.2f\" }} requests a second.",
        )
        .on("shop-overview")
}

fn few(context: &Context<'_>) -> Alert {
    // A service that has answered nothing yet has no series of requests, but it is there.
    let there = context.scope.jobs(&SERVICES).metric("up").now().sum(&BY);
    let expr = rate(context).or(&(there * number(0.0))).below(context.settings.min_requests_per_second);
    context
        .alert("LowRequestRate", Severity::Warning, "{{ $labels.job }}", &expr)
        .lasting(context.minutes(10))
        .says(
            "A service gets fewer requests than it should.",
            "{{ $labels.job }} gets {{ $value | printf \"%.2f\" }} requests a second: customers may not reach it.",
        )
        .on("shop-overview")
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    let count = "http_request_duration_seconds_count";
    let bucket = "http_request_duration_seconds_bucket";
    let order = [("job", "order"), ("service", "order")];
    // 100 requests in 30 s, of which `fast` take up to 100 ms, and the others a second.
    let latency = |alert, fast: &str| {
        Example::of(alert, "15m")
            .with("order", count, "", "0+100x60")
            .with("order", bucket, r#"le="0.1""#, fast)
            .with("order", bucket, r#"le="1""#, "0+100x60")
            .with("order", bucket, r#"le="+Inf""#, "0+100x60")
    };
    vec![
        latency("HighLatencyP99", "0+90x60").fires(
            Severity::Warning,
            order,
            "One of a hundred requests to order takes 910ms or longer.",
        ),
        latency("HighLatencyP99", "0+99.5x60"),
        latency("HighLatencyP95", "0+90x60").fires(
            Severity::Info,
            order,
            "One of twenty requests to order takes 550ms or longer.",
        ),
        latency("HighLatencyP95", "0+99x60"),
        Example::of("HighErrorRate", "15m")
            .with("order", count, r#"status="200""#, "0+99x60")
            .with("order", count, r#"status="500""#, "0+1x60")
            .fires(Severity::Warning, order, "1% of the requests to order fail."),
        Example::of("HighErrorRate", "15m")
            .with("order", count, r#"status="200""#, "0+5000x60")
            .with("order", count, r#"status="500""#, "0+1x60")
            .with("order", count, r#"status="404""#, "0+900x60"),
        Example::of("HighRequestRate", "15m").with("order", count, "", "0+18000x60").fires(
            Severity::Warning,
            order,
            "order gets 600.00 requests a second.",
        ),
        Example::of("HighRequestRate", "15m").with("order", count, "", "0+12000x60"),
        Example::of("LowRequestRate", "20m").with("order", "up", "", "1x60").fires(
            Severity::Warning,
            order,
            "order gets 0.00 requests a second: customers may not reach it.",
        ),
        Example::of("LowRequestRate", "20m").with("order", "up", "", "1x60").with("order", count, "", "0+60x60"),
    ]
}
