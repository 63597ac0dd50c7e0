//! What goes on inside the services.

use super::Context;
use crate::promql::{Job, SERVICES, Selector, Window};
use crate::rules::{Alert, Severity};

/// Who calls, from which pod, and whom.
const CALLS: [&str; 3] = ["job", "instance", "sibling"];

/// The share of its connections that a pod may use on average; above it, some of the requests wait for one.
const BUSY_POOL: f64 = 0.8;

/// So many wrong passwords a second are no customer who has forgotten theirs.
const GUESSES: f64 = 1.0;

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    vec![breaker(context), pool(context), files(context), guesses(context)]
}

fn of(context: &Context<'_>, name: &str) -> Selector {
    context.scope.jobs(&SERVICES).metric(name)
}

fn breaker(context: &Context<'_>) -> Alert {
    // A breaker lets a request through every second to see, so it is closed for moments.
    let open = of(context, "sibling_breaker_open").highest(Window::minutes(1)).max(&CALLS).equal(1.0);
    // One that nobody needs any more stays as it is: only a call that succeeds closes it.
    let called = of(context, "sibling_requests_total").rate(Window::minutes(2)).sum(&CALLS).above(0.0);
    let needed = open.and(&called).max(&["job", "sibling"]);
    context
        .alert("BreakerOpen", Severity::Warning, "{{ $labels.job }}", &needed)
        .lasting(context.minutes(2))
        .says(
            "A service leaves another one alone, since it fails.",
            "{{ $labels.job }} does not call {{ $labels.sibling }}, which failed several times in a row.",
        )
        .on("shop-overview")
}

fn pool(context: &Context<'_>) -> Alert {
    // One is free for a moment whenever a query ends, also while others wait: it is never full at each look.
    let used = of(context, "db_pool_connections").labelled("state", "used").average(context.recently());
    let used = used.max(&["job", "instance"]);
    let most = of(context, "db_pool_connections_max").now().max(&["job", "instance"]);
    context
        .alert(
            "DatabasePoolSaturated",
            Severity::Warning,
            "{{ $labels.job }}",
            &used.share_of(&most).above(BUSY_POOL),
        )
        .lasting(context.minutes(5))
        .says(
            "Requests wait for a connection to the database.",
            "{{ $labels.instance }} of {{ $labels.job }} had {{ $value | humanizePercentage }} of the connections in use that it may have to the database.",
        )
        .on("shop-postgresql")
}

fn files(context: &Context<'_>) -> Alert {
    let share = of(context, "process_open_fds").now().share_of(&of(context, "process_max_fds").now());
    context
        .alert("FilesRunOut", Severity::Warning, "{{ $labels.job }}", &share.above(0.8))
        .lasting(context.minutes(5))
        .says(
            "A process may soon open no more connections.",
            "{{ $labels.instance }} of {{ $labels.job }} has {{ $value | humanizePercentage }} of the files and connections open that it may.",
        )
        .on("shop-runtime")
}

fn guesses(context: &Context<'_>) -> Alert {
    let logins = context.job(Job::User).metric("user_logins_total");
    let wrong = logins.like("outcome", "rejected|limited").rate(context.recently()).sum(&[]);
    context
        .alert("PasswordsGuessed", Severity::Warning, "user", &wrong.above(GUESSES))
        .lasting(context.minutes(5))
        .says("Somebody tries passwords.", "{{ $value | humanize }} logins a second are refused.")
        .on("shop-user")
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    let instance = r#"instance="10.0.0.7:9090""#;
    let used = r#"instance="10.0.0.7:9090",state="used""#;
    let of_cart = [("job", "cart"), ("service", "cart"), ("instance", "10.0.0.7:9090")];
    let calls = |values, calls| {
        let to_catalog = r#"instance="10.0.0.7:9090",sibling="catalog""#;
        let ended = r#"instance="10.0.0.7:9090",sibling="catalog",outcome="breaker_open""#;
        Example::of("BreakerOpen", "8m").with("cart", "sibling_breaker_open", to_catalog, values).with(
            "cart",
            "sibling_requests_total",
            ended,
            calls,
        )
    };
    let pool = |busy| {
        Example::of("DatabasePoolSaturated", "10m").with("cart", "db_pool_connections", used, busy).with(
            "cart",
            "db_pool_connections_max",
            instance,
            "10x60",
        )
    };
    let files = |open| {
        Example::of("FilesRunOut", "10m").with("cart", "process_open_fds", instance, open).with(
            "cart",
            "process_max_fds",
            instance,
            "1024x60",
        )
    };
    vec![
        calls("0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1", "0+3x60").fires(
            Severity::Warning,
            [("job", "cart"), ("service", "cart"), ("sibling", "catalog")],
            "cart does not call catalog, which failed several times in a row.",
        ),
        calls("0 1 0x60", "0+3x60"),
        // The breaker was left open by the last call, and another pod of the service calls in peace.
        calls("0 1x60", "0+3x3 12x60")
            .with("cart", "sibling_breaker_open", r#"instance="10.0.0.8:9090",sibling="catalog""#, "0x60")
            .with(
                "cart",
                "sibling_requests_total",
                r#"instance="10.0.0.8:9090",sibling="catalog",outcome="answered""#,
                "0+3x60",
            ),
        // It is seldom full when one looks.
        pool("10 8 9 9 10 8 9x60").fires(
            Severity::Warning,
            of_cart,
            "10.0.0.7:9090 of cart had 90% of the connections in use that it may have to the database.",
        ),
        // Full at some looks, and with room in between.
        pool("10 4 10 2 10 4 10 2 10 4 10 2 10 4 10 2 10 4 10 2 10 4 10 2 10 4"),
        files("960x60").fires(
            Severity::Warning,
            of_cart,
            "10.0.0.7:9090 of cart has 93.75% of the files and connections open that it may.",
        ),
        files("64x60"),
        Example::of("PasswordsGuessed", "12m")
            .with("user", "user_logins_total", r#"outcome="rejected""#, "0+120x60")
            .with("user", "user_logins_total", r#"outcome="limited""#, "0+30x60")
            .fires(Severity::Warning, [("service", "user")], "5 logins a second are refused."),
        Example::of("PasswordsGuessed", "12m")
            .with("user", "user_logins_total", r#"outcome="succeeded""#, "0+900x60")
            .with("user", "user_logins_total", r#"outcome="rejected""#, "0+3x60"),
    ]
}
