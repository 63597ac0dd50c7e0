//! Jaeger, whose figures are called otherwise in older versions.

use super::parts::{NOW, job, jobs, or_nothing, rate};
use crate::grafana::{Dashboard, Level, Panel, Target, Unit};
use crate::promql::{Expr, Job, SERVICES};

pub(super) fn dashboard() -> Dashboard {
    Dashboard::new("shop-jaeger", "Jaeger", "The traces: what arrives, what is lost, and what keeping them costs.")
        .row("At a glance", glance())
        .row("Spans", spans())
        .row("The process", process())
}

/// Of a counter, which has an end in newer versions.
fn per_second(name: &str, by: &[&str]) -> Expr {
    let jaeger = job(Job::Jaeger);
    rate(&jaeger, &format!("{name}_total"), by).or(&rate(&jaeger, name, by))
}

fn lost(name: &str) -> Expr {
    or_nothing(&per_second(name, &[]), &job(Job::Jaeger))
}

/// As those count it who send them.
fn unsent() -> Expr {
    let [catalog, cart, order, user] = SERVICES;
    let spans = jobs(&[catalog, cart, order, user, Job::Gateway]).metric("trace_spans_total");
    spans.labelled("outcome", "lost").rate(NOW).sum(&["job"])
}

fn memory() -> Expr {
    let of = |name| job(Job::Jaeger).metric(name).now().max(&[]);
    of("otelcol_process_memory_rss_bytes").or(&of("otelcol_process_memory_rss"))
}

fn glance() -> Vec<Panel> {
    vec![
        Panel::figure("Spans", Unit::PerSecond)
            .about("Spans that arrive, a second. Bad: none while there are requests: nobody sends any, or sampling is off.")
            .wide(6)
            .with(Target::new(&per_second("otelcol_receiver_accepted_spans", &[]), "spans")),
        Panel::figure("Refused", Unit::PerSecond)
            .about("Spans that were refused. Bad: any: traces have gaps.")
            .levels([Level::Bad(0.001)])
            .wide(6)
            .with(Target::new(&lost("otelcol_receiver_refused_spans"), "refused")),
        Panel::figure("Not stored", Unit::PerSecond)
            .about("Spans that could not be stored. Bad: any.")
            .levels([Level::Bad(0.001)])
            .wide(6)
            .with(Target::new(&lost("otelcol_exporter_send_failed_spans"), "not stored")),
        Panel::figure("Memory", Unit::Bytes)
            .about("Resident memory. Bad: near the limit of its container: keep fewer traces (spec.monitoring.tracing.maxTraces).")
            .wide(6)
            .with(Target::new(&memory(), "memory")),
    ]
}

fn spans() -> Vec<Panel> {
    vec![
        Panel::lines("Spans that arrive", Unit::PerSecond)
            .about("Spans by the way they came. Bad: it stops while there are requests.")
            .with(Target::new(&per_second("otelcol_receiver_accepted_spans", &["transport"]), "{{transport}}")),
        Panel::lines("Spans stored", Unit::PerSecond)
            .about("Spans handed to the storage. Bad: fewer than arrive, for longer than a batch takes.")
            .with(Target::new(&per_second("otelcol_exporter_sent_spans", &["exporter"]), "{{exporter}}")),
        Panel::lines("Spans lost", Unit::PerSecond)
            .about("Spans refused, spans that could not be stored, and by who sends them those that did not arrive. Bad: any.")
            .with(Target::new(&unsent(), "{{job}}"))
            .with(Target::new(&lost("otelcol_receiver_refused_spans"), "refused"))
            .with(Target::new(&lost("otelcol_exporter_send_failed_spans"), "not stored")),
    ]
}

fn process() -> Vec<Panel> {
    let heap = job(Job::Jaeger).metric("otelcol_process_runtime_heap_alloc_bytes").now().max(&[]);
    vec![
        Panel::lines("Memory", Unit::Bytes)
            .about(
                "Resident memory and what is in use of it. Bad: it grows on after as many traces are kept as may be.",
            )
            .wide(12)
            .with(Target::new(&memory(), "resident"))
            .with(Target::new(&heap, "in use")),
        Panel::lines("Processors", Unit::Plain)
            .about(
                "Processors that it keeps busy. Bad: as many as its container may have: spans wait, then are refused.",
            )
            .wide(12)
            .with(Target::new(&per_second("otelcol_process_cpu_seconds", &[]), "busy")),
    ]
}
