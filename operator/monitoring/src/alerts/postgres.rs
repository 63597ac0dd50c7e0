//! PostgreSQL, where the truth is.

use std::time::Duration;

use super::Context;
use crate::promql::{Expr, Job, Selector, number};
use crate::rules::{Alert, Severity};
use crate::settings::Windows;

/// A small database may double without any harm.
const LARGE: f64 = 1_073_741_824.0;

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    vec![
        down(context),
        connections(context, Severity::Critical, 0.95),
        connections(context, Severity::Warning, 0.8),
        deadlocks(context),
        transactions(context),
        growth(context),
    ]
}

fn of(context: &Context<'_>, name: &str) -> Selector {
    context.job(Job::Postgres).metric(name)
}

fn down(context: &Context<'_>) -> Alert {
    context
        .alert("PostgresDown", Severity::Critical, "postgres", &of(context, "pg_up").now().max(&[]).equal(0.0))
        .lasting(context.minutes(1))
        .says("The database does not answer.", "PostgreSQL does not answer: nobody can buy anything.")
        .on("shop-postgresql")
}

fn connections(context: &Context<'_>, severity: Severity, limit: f64) -> Alert {
    let used = of(context, "pg_stat_activity_count").now().sum(&[]);
    let share = used.share_of(&of(context, "pg_settings_max_connections").now().max(&[]));
    context
        .alert("PostgresConnectionsHigh", severity, "postgres", &share.above(limit))
        .lasting(context.minutes(5))
        .says(
            "The database may soon refuse connections.",
            "{{ $value | humanizePercentage }} of the connections that PostgreSQL allows are open.",
        )
        .on("shop-postgresql")
}

fn deadlocks(context: &Context<'_>) -> Alert {
    let found = of(context, "pg_stat_database_deadlocks").increase(context.lately()).sum(&[]);
    context
        .alert("PostgresDeadlocks", Severity::Warning, "postgres", &found.above(2.0))
        .says("Transactions wait for one another in a circle.", "There were {{ $value | humanize }} deadlocks lately.")
        .on("shop-postgresql")
}

fn transactions(context: &Context<'_>) -> Alert {
    // Nothing in the shop works on one transaction for that long; a backup of a large database may.
    let too_long = context.minutes(10).as_secs_f64();
    let longest = of(context, "pg_stat_activity_max_tx_duration").now().max(&["datname", "state"]);
    context
        .alert("PostgresLongTransaction", Severity::Warning, "postgres", &longest.above(too_long))
        .lasting(context.minutes(5))
        .says(
            "A transaction does not end.",
            "A transaction in {{ $labels.datname }} ({{ $labels.state }}) has been open for {{ $value | humanizeDuration }}.",
        )
        .on("shop-postgresql")
}

fn growth(context: &Context<'_>) -> Alert {
    let size = of(context, "pg_database_size_bytes");
    let before = match context.settings.windows {
        Windows::Standard => Duration::from_secs(3600),
        Windows::Demo => Duration::from_secs(300),
    };
    let now: Expr = size.now().sum(&[]);
    let doubled = size.earlier(before).sum(&[]) * number(2.0);
    context
        .alert("PostgresGrowsFast", Severity::Warning, "postgres", &now.above(LARGE).greater_than(&doubled))
        .lasting(context.minutes(5))
        .says(
            "The database grows fast.",
            "The database is {{ $value | humanize1024 }}B large, twice as large as a while ago: its volume may soon be full.",
        )
        .on("shop-postgresql")
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    let postgres = [("service", "postgres")];
    let shop = r#"datname="shop""#;
    let connections = |active, idle| {
        Example::of("PostgresConnectionsHigh", "10m")
            .with("postgres", "pg_stat_activity_count", r#"datname="shop",state="active""#, active)
            .with("postgres", "pg_stat_activity_count", r#"datname="shop",state="idle""#, idle)
            .with("postgres", "pg_settings_max_connections", "", "100x60")
    };
    let transaction = |values| {
        let labels = r#"datname="shop",state="idle in transaction""#;
        Example::of("PostgresLongTransaction", "20m").with(
            "postgres",
            "pg_stat_activity_max_tx_duration",
            labels,
            values,
        )
    };
    vec![
        Example::of("PostgresDown", "5m").with("postgres", "pg_up", "", "1 0x60").fires(
            Severity::Critical,
            postgres,
            "PostgreSQL does not answer: nobody can buy anything.",
        ),
        Example::of("PostgresDown", "5m").with("postgres", "pg_up", "", "0 0 1x60"),
        connections("50x60", "40x60").fires(
            Severity::Warning,
            postgres,
            "90% of the connections that PostgreSQL allows are open.",
        ),
        connections("57x60", "40x60")
            .fires(Severity::Warning, postgres, "97% of the connections that PostgreSQL allows are open.")
            .fires(Severity::Critical, postgres, "97% of the connections that PostgreSQL allows are open."),
        connections("10x60", "40x60"),
        Example::of("PostgresDeadlocks", "20m").with("postgres", "pg_stat_database_deadlocks", shop, "0+1x60").fires(
            Severity::Warning,
            postgres,
            "There were 30 deadlocks lately.",
        ),
        Example::of("PostgresDeadlocks", "20m").with("postgres", "pg_stat_database_deadlocks", shop, "0x20 1x60"),
        transaction("0+30x60").fires(
            Severity::Warning,
            [("service", "postgres"), ("datname", "shop"), ("state", "idle in transaction")],
            "A transaction in shop (idle in transaction) has been open for 20m 0s.",
        ),
        transaction("0 30 60 0x60"),
        Example::of("PostgresGrowsFast", "80m")
            .with("postgres", "pg_database_size_bytes", shop, "1073741824x120 3221225472x60")
            .fires(
                Severity::Warning,
                postgres,
                "The database is 3GiB large, twice as large as a while ago: its volume may soon be full.",
            ),
        Example::of("PostgresGrowsFast", "80m").with("postgres", "pg_database_size_bytes", shop, "1000x120 9000x60"),
    ]
}
