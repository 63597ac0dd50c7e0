//! Service levels: what may fail is used up so fast that the promise will not be kept.

use super::Context;
use super::draft::SOME_TRAFFIC;
use crate::promql::Expr;
use crate::rules::{Alert, Severity};
use crate::service_levels::{Burn, Level, burns, ratio, requests, rounded};

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    let all = [Severity::Critical, Severity::Warning]
        .map(|severity| [available(context, severity), in_time(context, severity)]);
    all.into_iter().flatten().collect()
}

fn available(context: &Context<'_>, severity: Severity) -> Alert {
    context
        .alert("AvailabilityBudgetBurn", severity, "{{ $labels.service }}", &burning(context, Level::Availability, severity))
        .lasting(context.minutes(1))
        .says(
            "More requests fail than the service level allows.",
            "{{ $value | humanizePercentage }} of the requests to {{ $labels.service }} fail: at this rate what may fail is used up long before its time.",
        )
        .on("shop-overview")
}

fn in_time(context: &Context<'_>, severity: Severity) -> Alert {
    context
        .alert("LatencyBudgetBurn", severity, "{{ $labels.service }}", &burning(context, Level::Latency, severity))
        .lasting(context.minutes(1))
        .says(
            "More requests are slow than the service level allows.",
            "{{ $value | humanizePercentage }} of the requests to {{ $labels.service }} take longer than promised: what may be slow is used up long before its time.",
        )
        .on("shop-overview")
}

/// The share over the longer time, where it is too high over the longer and still over the shorter one.
fn burning(context: &Context<'_>, level: Level, severity: Severity) -> Expr {
    let mut all = burns(context.settings.windows).into_iter().filter(|burn| burn.severity == severity);
    let one = |burn: Burn| {
        let too_high = rounded(burn.factor * level.budget(context));
        let over = |time| ratio(context, time).labelled("slo", level.as_str()).now().above(too_high);
        over(burn.long).and(&over(burn.short))
    };
    let first = all.next().map_or_else(Expr::always, one);
    let either = all.fold(first, |either, burn| either.or(&one(burn)));
    either.and(&requests(context).labelled("slo", level.as_str()).now().above(SOME_TRAFFIC))
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    let requests = "http_request_duration_seconds_count";
    let buckets = "http_request_duration_seconds_bucket";
    let cart = r#"service="cart",status="200""#;
    let failed = r#"service="cart",status="503""#;
    let labels = [("service", "cart"), ("slo", "availability")];
    let slow = [("service", "cart"), ("slo", "latency")];
    vec![
        // 5 of 100 fail: 50 times what may.
        Example::of("AvailabilityBudgetBurn", "90m")
            .with("cart", requests, cart, "0+95x200")
            .with("cart", requests, failed, "0+5x200")
            .fires(Severity::Critical, labels, "5% of the requests to cart fail: at this rate what may fail is used up long before its time.")
            .fires(Severity::Warning, labels, "5% of the requests to cart fail: at this rate what may fail is used up long before its time."),
        // One of 2,000 fails: half of what may.
        Example::of("AvailabilityBudgetBurn", "90m")
            .with("cart", requests, cart, "0+1999x200")
            .with("cart", requests, failed, "0+1x200"),
        // Everything fails, and that is one request in five minutes.
        Example::of("AvailabilityBudgetBurn", "90m").with("cart", requests, failed, "0+0.1x200"),
        Example::of("LatencyBudgetBurn", "90m")
            .with("cart", requests, cart, "0+100x200")
            .with("cart", buckets, r#"service="cart",status="200",le="0.5""#, "0+75x200")
            .fires(Severity::Critical, slow, "25% of the requests to cart take longer than promised: what may be slow is used up long before its time.")
            .fires(Severity::Warning, slow, "25% of the requests to cart take longer than promised: what may be slow is used up long before its time."),
        Example::of("LatencyBudgetBurn", "90m")
            .with("cart", requests, cart, "0+1000x200")
            .with("cart", buckets, r#"service="cart",status="200",le="0.5""#, "0+999x200"),
    ]
}
