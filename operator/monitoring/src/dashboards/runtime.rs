//! The processes of all parts, and what watches them.

use super::parts::{NOW, job, or_nothing, rate};
use crate::grafana::{Dashboard, Level, Mapping, Panel, Target, Unit, Variable};
use crate::promql::{Expr, Job, Scope, Selector};

pub(super) fn dashboard() -> Dashboard {
    let about = "The processes of all parts of the shop, and whether what watches them works.";
    Dashboard::new("shop-runtime", "Processes and monitoring", about)
        .choosing(Variable::Job)
        .choosing(Variable::Instance)
        .row("Who is there", there())
        .row("Processes", processes())
        .row("Prometheus", prometheus())
        .row("Alertmanager", alertmanager())
}

/// Of the parts and instances that were chosen.
fn chosen(name: &str) -> Selector {
    Scope::chosen().chosen_jobs().metric(name).like("instance", "$instance")
}

fn there() -> Vec<Panel> {
    let took = chosen("scrape_duration_seconds").now().max(&["job"]);
    vec![
        Panel::table("Who can be asked", Unit::Plain)
            .about("Everything that Prometheus asks for figures. Bad: silent.")
            .words(Mapping::yes_no("answers", "silent"))
            .with(Target::new(&chosen("up").now().max(&["job", "instance"]), "{{instance}}")),
        Panel::table("Since when", Unit::Duration)
            .about("How long each process has run. Bad: short without a roll-out: it was killed or crashed.")
            .with(Target::new(&running(), "{{instance}}")),
        Panel::lines("Time to ask", Unit::Seconds)
            .about("How long it takes to get the figures of a part. Bad: above a second: too many series, or no time to answer.")
            .wide(24)
            .with(Target::new(&took, "{{job}}")),
    ]
}

fn running() -> Expr {
    crate::promql::now() - chosen("process_start_time_seconds").now().max(&["job", "instance"])
}

fn processes() -> Vec<Panel> {
    let by = ["job", "instance"];
    vec![
        Panel::lines("Memory", Unit::Bytes)
            .about("Resident memory. Bad: it grows without end, or is near the limit of its container.")
            .with(Target::new(&chosen("process_resident_memory_bytes").now().max(&by), "{{job}} {{instance}}")),
        Panel::lines("Processors", Unit::Plain)
            .about("Processors kept busy. Bad: as many as the container may have: then it is slowed down.")
            .with(Target::new(&chosen("process_cpu_seconds_total").rate(NOW).max(&by), "{{job}} {{instance}}")),
        Panel::lines("Open files and connections", Unit::Count)
            .about("Files and connections that are open. Bad: near what the process may have, mostly 1,024 or more.")
            .with(Target::new(&chosen("process_open_fds").now().max(&by), "{{job}} {{instance}}")),
    ]
}

fn prometheus() -> Vec<Panel> {
    let source = &job(Job::Prometheus);
    let now = |name: &str| source.metric(name).now().max(&[]);
    let per_second = |name: &str| rate(source, name, &[]);
    vec![
        Panel::figure("Series", Unit::Count)
            .about("Series in memory. Bad: it only ever grows: a label without bounds.")
            .wide(8)
            .with(Target::new(&now("prometheus_tsdb_head_series"), "series")),
        Panel::figure("Samples", Unit::PerSecond)
            .about("Samples taken in, a second. Bad: it falls: parts are silent.")
            .with(Target::new(&per_second("prometheus_tsdb_head_samples_appended_total"), "samples")),
        Panel::figure("Rules that fail", Unit::PerSecond)
            .about("Evaluations of rules that failed, a second. Bad: any: alerts may be missing.")
            .levels([Level::Bad(0.001)])
            .with(Target::new(&per_second("prometheus_rule_evaluation_failures_total"), "failed")),
        Panel::figure("Alerts lost", Unit::PerSecond)
            .about("Alerts that did not reach Alertmanager, a second. Bad: any.")
            .levels([Level::Bad(0.001)])
            .with(Target::new(&or_nothing(&per_second("prometheus_notifications_errors_total"), source), "lost")),
        Panel::figure("Dots with traces", Unit::Count)
            .about("Exemplars in memory, by which a dot of a latency panel leads to a trace. Bad: none while there are traces.")
            .with(Target::new(&exemplars(), "exemplars")),
        Panel::lines("Time of rules", Unit::Seconds)
            .about("How long the last evaluation of each group took. Bad: as long as the time between two.")
            .wide(12)
            .with(Target::new(
                &source.metric("prometheus_rule_group_last_duration_seconds").now().max(&["rule_group"]),
                "{{rule_group}}",
            )),
        Panel::lines("On disk", Unit::Bytes)
            .about("What Prometheus keeps on disk. Bad: near the size of its volume.")
            .wide(12)
            .with(Target::new(&now("prometheus_tsdb_storage_blocks_bytes"), "blocks")),
    ]
}

fn exemplars() -> Expr {
    let kept = job(Job::Prometheus).metric("prometheus_tsdb_exemplar_exemplars_in_storage").now().max(&[]);
    or_nothing(&kept, &job(Job::Prometheus))
}

fn alertmanager() -> Vec<Panel> {
    let source = &job(Job::Alertmanager);
    let used = |name: &str| source.metric(name).rate(NOW).sum(&["integration"]);
    vec![
        Panel::figure("Alerts", Unit::Count)
            .about("Alerts that Alertmanager holds, the Watchdog included. Bad: none at all: then nothing reaches it.")
            .wide(12)
            .with(Target::new(
                &source.metric("alertmanager_alerts").labelled("state", "active").now().sum(&[]),
                "active",
            )),
        Panel::figure("Silenced", Unit::Count).about("Silences in force. Bad: one that was forgotten.").wide(12).with(
            Target::new(&source.metric("alertmanager_silences").labelled("state", "active").now().sum(&[]), "silences"),
        ),
        Panel::lines("Messages", Unit::PerSecond)
            .about("Messages by the way they go. Bad: none while alerts fire and a way is set up.")
            .wide(12)
            .with(Target::new(&used("alertmanager_notifications_total"), "{{integration}}")),
        Panel::lines("Messages that did not arrive", Unit::PerSecond)
            .about("Messages that could not be sent. Bad: any; nobody is told of alerts.")
            .wide(12)
            .with(Target::new(&used("alertmanager_notifications_failed_total"), "{{integration}}")),
    ]
}
