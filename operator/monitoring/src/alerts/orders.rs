//! Orders, checkouts and the events that tell of them.

use super::Context;
use crate::promql::{Job, SERVICES};
use crate::rules::{Alert, Severity};

/// A checkout takes a moment; the sweeper finishes one that was cut off within seconds.
const OLD_CHECKOUT: f64 = 60.0;

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    vec![checkouts(context), orders(context), lag(context), dead_letters(context)]
}

fn checkouts(context: &Context<'_>) -> Alert {
    let oldest = context.job(Job::Cart).metric("cart_checkout_oldest_seconds").now().max(&[]);
    context
        .alert("CheckoutsStuck", Severity::Critical, "cart", &oldest.above(OLD_CHECKOUT))
        .lasting(context.minutes(2))
        .says(
            "A checkout does not come to its end.",
            "The oldest checkout on its way was begun {{ $value | humanizeDuration }} ago.",
        )
        .on("shop-cart")
}

fn orders(context: &Context<'_>) -> Alert {
    let order = context.job(Job::Order);
    let of = |name| order.metric(name).increase(context.lately()).sum(&[]);
    let none_moves = of("order_transitions_total").equal(0.0);
    context
        .alert("OrdersStuck", Severity::Critical, "order", &of("orders_created_total").above(0.0).and(&none_moves))
        .lasting(context.minutes(5))
        .says(
            "Orders are made and none moves on.",
            "{{ $value | humanize }} orders were made lately, and not one has come to its next state.",
        )
        .on("shop-order")
}

fn lag(context: &Context<'_>) -> Alert {
    let lag = context.scope.jobs(&SERVICES).metric("outbox_lag_seconds").now().max(&["job"]);
    context
        .alert(
            "OutboxLagHigh",
            Severity::Warning,
            "{{ $labels.job }}",
            &lag.above(context.settings.outbox_lag.as_secs_f64()),
        )
        .lasting(context.minutes(2))
        .says(
            "Events do not arrive.",
            "The oldest event that {{ $labels.job }} has to deliver has waited for {{ $value | humanizeDuration }}.",
        )
        .on("shop-order")
}

fn dead_letters(context: &Context<'_>) -> Alert {
    let dead = context.scope.jobs(&SERVICES).metric("outbox_dead_letters").now().max(&["job"]);
    context
        .alert("DeadLetters", Severity::Warning, "{{ $labels.job }}", &dead.above(0.0))
        .lasting(context.minutes(1))
        .says(
            "Events were given up.",
            "{{ $value }} events of {{ $labels.job }} were given up: somebody has to look at them, and replay or delete them.",
        )
        .on("shop-order")
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    let moves = r#"from="CREATED",to="PROCESSING""#;
    let order = [("job", "order"), ("service", "order")];
    let orders = |moved| {
        Example::of("OrdersStuck", "30m").with("order", "orders_created_total", "", "0+3x80").with(
            "order",
            "order_transitions_total",
            moves,
            moved,
        )
    };
    vec![
        Example::of("CheckoutsStuck", "10m").with("cart", "cart_checkout_oldest_seconds", "", "0+30x60").fires(
            Severity::Critical,
            [("service", "cart")],
            "The oldest checkout on its way was begun 10m 0s ago.",
        ),
        Example::of("CheckoutsStuck", "10m").with("cart", "cart_checkout_oldest_seconds", "", "0 20 40 2 0x60"),
        orders("7x80").fires(
            Severity::Critical,
            [("service", "order")],
            "90 orders were made lately, and not one has come to its next state.",
        ),
        orders("0+3x80"),
        // Nobody buys anything.
        Example::of("OrdersStuck", "30m").with("order", "orders_created_total", "", "9x80").with(
            "order",
            "order_transitions_total",
            moves,
            "9x80",
        ),
        Example::of("OutboxLagHigh", "10m").with("order", "outbox_lag_seconds", "", "0+15x60").fires(
            Severity::Warning,
            order,
            "The oldest event that order has to deliver has waited for 5m 0s.",
        ),
        Example::of("OutboxLagHigh", "10m").with("order", "outbox_lag_seconds", "", "0.2 45 0.1x60"),
        Example::of("DeadLetters", "10m").with("order", "outbox_dead_letters", "", "0x4 2x60").fires(
            Severity::Warning,
            order,
            "2 events of order were given up: somebody has to look at them, and replay or delete them.",
        ),
        Example::of("DeadLetters", "10m").with("order", "outbox_dead_letters", "", "2x4 0x60"),
    ]
}
