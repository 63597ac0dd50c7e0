//! PostgreSQL, by the exporter's figures, whose names differ between its versions and PostgreSQL's.

use super::parts::{NOW, job, jobs, quantile, rate};
use crate::grafana::{Dashboard, Level, Mapping, Panel, Target, Unit};
use crate::promql::{Expr, Job, SERVICES};

pub(super) fn dashboard() -> Dashboard {
    Dashboard::new("shop-postgresql", "PostgreSQL", "The database, where the truth is.")
        .row("At a glance", glance())
        .row("Work", work())
        .row("What holds it up", trouble())
        .row("As the services see it", services())
}

fn now(name: &str) -> Expr {
    job(Job::Postgres).metric(name).now()
}

fn per_second(name: &str, by: &[&str]) -> Expr {
    rate(&job(Job::Postgres), name, by)
}

fn from_memory(by: &[&str]) -> Expr {
    let hits = per_second("pg_stat_database_blks_hit", by);
    let all = hits.clone() + per_second("pg_stat_database_blks_read", by);
    hits.share_of(&all)
}

fn glance() -> Vec<Panel> {
    let open = now("pg_stat_activity_count").sum(&[]);
    vec![
        Panel::figure("Database", Unit::Plain)
            .about("Whether PostgreSQL answers. Bad: away: nobody can buy anything.")
            .words(Mapping::yes_no("answers", "away"))
            .with(Target::new(&now("pg_up").max(&[]), "PostgreSQL")),
        Panel::figure("Connections", Unit::Share)
            .about("The share of the connections it allows that are open. Bad: above 0.8: soon it refuses new ones.")
            .levels([Level::Odd(0.8), Level::Bad(0.95)])
            .with(Target::new(&open.share_of(&now("pg_settings_max_connections").max(&[])), "open")),
        Panel::figure("Size", Unit::Bytes)
            .about("How large all databases are together. Bad: near the size of its volume.")
            .with(Target::new(&now("pg_database_size_bytes").sum(&[]), "size")),
        Panel::figure("Read from memory", Unit::Share)
            .about("The share of blocks that were in PostgreSQL's own memory. Bad: below 0.9 for long: it has too little.")
            .levels([Level::Odd(0.8), Level::Good(0.95)])
            .with(Target::new(&from_memory(&[]), "from memory")),
        Panel::figure("Longest transaction", Unit::Seconds)
            .about("How long the longest transaction has been open. Bad: minutes: it holds locks, and rows can't be cleaned up.")
            .levels([Level::Odd(60.0), Level::Bad(600.0)])
            .with(Target::new(&now("pg_stat_activity_max_tx_duration").max(&[]), "longest")),
        Panel::figure("Commits", Unit::PerSecond)
            .about("Transactions committed a second. Bad: none while there are requests.")
            .with(Target::new(&per_second("pg_stat_database_xact_commit", &[]), "commits")),
    ]
}

fn work() -> Vec<Panel> {
    let by = ["datname"];
    let timed = per_second("pg_stat_bgwriter_checkpoints_timed_total", &[])
        .or(&per_second("pg_stat_checkpointer_num_timed_total", &[]));
    let asked = per_second("pg_stat_bgwriter_checkpoints_req_total", &[])
        .or(&per_second("pg_stat_checkpointer_num_requested_total", &[]));
    vec![
        Panel::lines("Transactions", Unit::PerSecond)
            .about("Transactions that were committed and rolled back. Bad: many rolled back: conflicts, or statements that fail.")
            .with(Target::new(&per_second("pg_stat_database_xact_commit", &[]), "committed"))
            .with(Target::new(&per_second("pg_stat_database_xact_rollback", &[]), "rolled back")),
        Panel::areas("Rows", Unit::PerSecond)
            .about("Rows that were fetched and changed. Bad: very many fetched for few requests: an index is missing.")
            .with(Target::new(&per_second("pg_stat_database_tup_fetched", &[]), "fetched"))
            .with(Target::new(&per_second("pg_stat_database_tup_inserted", &[]), "inserted"))
            .with(Target::new(&per_second("pg_stat_database_tup_updated", &[]), "updated"))
            .with(Target::new(&per_second("pg_stat_database_tup_deleted", &[]), "deleted")),
        Panel::lines("Read from memory", Unit::Share)
            .about("The share of blocks that were in PostgreSQL's own memory. Bad: it falls as the data grows.")
            .up_to(1.0)
            .with(Target::new(&from_memory(&by), "{{datname}}")),
        Panel::lines("Size of databases", Unit::Bytes)
            .about("How large each database is. Bad: it grows faster than the orders.")
            .with(Target::new(&now("pg_database_size_bytes").max(&by), "{{datname}}")),
        Panel::lines("Written to temporary files", Unit::BytesPerSecond)
            .about("What sorts and joins had no memory for. Bad: much: a query that reads too much.")
            .with(Target::new(&per_second("pg_stat_database_temp_bytes", &by), "{{datname}}")),
        Panel::lines("Checkpoints", Unit::PerSecond)
            .about("Checkpoints by the clock, and those that were asked for as too much was written. Bad: mostly the latter.")
            .with(Target::new(&timed, "by the clock"))
            .with(Target::new(&asked, "asked for")),
    ]
}

fn trouble() -> Vec<Panel> {
    vec![
        Panel::areas("Connections by state", Unit::Count)
            .about("What connections do. Bad: idle in transaction, which holds locks and does nothing.")
            .with(Target::new(&now("pg_stat_activity_count").sum(&["state"]), "{{state}}")),
        Panel::areas("Locks", Unit::Count)
            .about("Locks that are held, by kind. Bad: accessexclusivelock for longer than a moment: everybody waits for it.")
            .with(Target::new(&now("pg_locks_count").sum(&["mode"]), "{{mode}}")),
        Panel::lines("Deadlocks", Unit::PerSecond)
            .about("Transactions that waited for one another in a circle. Bad: more than one now and then.")
            .with(Target::new(&per_second("pg_stat_database_deadlocks", &["datname"]), "{{datname}}")),
    ]
}

fn services() -> Vec<Panel> {
    let all = &jobs(&SERVICES);
    let by = ["job", "instance"];
    let used = all.metric("db_pool_connections").labelled("state", "used").now().max(&by);
    let fullest = used.share_of(&all.metric("db_pool_connections_max").now().max(&by)).max(&["job"]);
    let slowest = all.metric("db_query_duration_seconds_bucket").rate(NOW).quantile(0.99, &["job", "query"]).top(10);
    vec![
        Panel::lines("Slowest queries", Unit::Seconds)
            .about("The ten queries whose 99th percentile is highest; dots lead to traces. Bad: one that grows with the data.")
            .with(Target::new(&slowest, "{{job}} {{query}}").with_exemplars()),
        Panel::lines("Connections of the services", Unit::Share)
            .about("How much of its pool the pod of a service uses that uses most. Bad: all of it for minutes: requests wait for a connection.")
            .up_to(1.0)
            .with(Target::new(&fullest, "{{job}}")),
        Panel::lines("Time of the readiness probe's query", Unit::Seconds)
            .about("99 of 100 of the smallest possible queries are answered within this, waiting for a connection included. Bad: above 0.1 s.")
            .with(Target::new(&quantile(all, "db_probe_duration_seconds", 0.99, &["job"]), "{{job}}")),
    ]
}
