//! The gateway: what comes in, what becomes of it, and how long the services behind it take.

use super::parts::{NOW, job, quantile, rate};
use crate::grafana::{Dashboard, Level, Panel, Target, Unit};
use crate::promql::{Expr, Job};

const COUNT: &str = "gateway_request_duration_seconds_count";

pub(super) fn dashboard() -> Dashboard {
    let about = "What comes in, what becomes of it, and how long the services behind the gateway take.";
    Dashboard::new("shop-gateway", "Gateway", about)
        .row("At a glance", glance())
        .row("Requests", requests())
        .row("Behind it", upstreams())
        .row("Connections", connections())
}

fn glance() -> Vec<Panel> {
    let gateway = &job(Job::Gateway);
    let failed = gateway.metric(COUNT).like("status", "5..").rate(NOW).sum(&[]);
    vec![
        Panel::figure("Requests", Unit::RequestsPerSecond)
            .about("Requests a second, of customers and administrators. Bad: nothing, while there should be customers.")
            .wide(6)
            .with(Target::new(&rate(gateway, COUNT, &[]), "requests")),
        Panel::figure("Failing", Unit::Share)
            .about("The share of requests that are answered with 5xx. Bad: more than one in a thousand.")
            .levels([Level::Odd(0.001), Level::Bad(0.01)])
            .wide(6)
            .with(Target::new(&failed.share_if_any_of(&rate(gateway, COUNT, &[])), "failing")),
        Panel::figure("Open connections", Unit::Count)
            .about("Connections of clients. Bad: near what nginx allows, or many that only wait.")
            .wide(6)
            .with(Target::new(&gateway.metric("gateway_connections").labelled("state", "active").now().sum(&[]), "open")),
        Panel::figure("Lines lost", Unit::PerSecond)
            .about("Lines of the log that were lost before they were counted. Bad: any: the figures here are too low then.")
            .levels([Level::Odd(0.001)])
            .wide(6)
            .with(Target::new(&rate(gateway, "gateway_log_lines_dropped_total", &[]), "lost")),
    ]
}

fn requests() -> Vec<Panel> {
    let gateway = &job(Job::Gateway);
    let seconds = "gateway_request_duration_seconds";
    vec![
        Panel::areas("Requests by where they go", Unit::RequestsPerSecond)
            .about("Who requests are for; none is what no path leads to. Bad: a service that gets nothing, or much for none.")
            .with(Target::new(&rate(gateway, COUNT, &["service"]), "{{service}}")),
        Panel::areas("Answers by status", Unit::RequestsPerSecond)
            .about("How requests ended; 499 is a client that went. Bad: 5xx, and many 499, by which customers do not wait.")
            .with(Target::new(&rate(gateway, COUNT, &["status"]), "{{status}}")),
        Panel::lines("Failing by where they go", Unit::Share)
            .about("The share of each service's requests that are answered with 5xx. Bad: anything that stays.")
            .with(Target::new(&failing_by_service(), "{{service}}")),
        Panel::lines("Time to answer", Unit::Seconds)
            .about("99 of 100 requests are answered faster than this, streams and sockets left open included; dots lead to traces. Bad: far above its usual height.")
            .wide(12)
            .with(Target::new(&quantile(gateway, seconds, 0.99, &["service"]), "{{service}}").with_exemplars()),
        Panel::heatmap("Times to answer", Unit::Seconds)
            .about("How many requests took how long; dots lead to traces. Bad: a second band far above the first.")
            .with(Target::new(&rate(gateway, "gateway_request_duration_seconds_bucket", &["le"]), "{{le}}").with_exemplars()),
    ]
}

fn failing_by_service() -> Expr {
    let gateway = &job(Job::Gateway);
    let failed = gateway.metric(COUNT).like("status", "5..").rate(NOW).sum(&["service"]);
    failed.share_if_any_of(&rate(gateway, COUNT, &["service"]))
}

fn upstreams() -> Vec<Panel> {
    let gateway = &job(Job::Gateway);
    let seconds = "gateway_upstream_duration_seconds";
    vec![
        Panel::lines("Time of the services", Unit::Seconds)
            .about("99 of 100 requests are answered by the service behind within this, all attempts together. Bad: one that leaves the others behind.")
            .with(Target::new(&quantile(gateway, seconds, 0.99, &["service"]), "{{service}}").with_exemplars()),
        Panel::lines("Usual time of the services", Unit::Seconds)
            .about("Half of the requests are answered by the service behind within this. Bad: it rises with the requests: too few pods.")
            .with(Target::new(&quantile(gateway, seconds, 0.5, &["service"]), "{{service}}")),
        Panel::lines("Attempts that failed", Unit::PerSecond)
            .about("Attempts at pods that gave no answer; those that may be repeated went to another pod. Bad: more than a few while pods are replaced.")
            .with(Target::new(&rate(gateway, "gateway_upstream_failures_total", &["service"]), "{{service}}")),
    ]
}

fn connections() -> Vec<Panel> {
    let gateway = &job(Job::Gateway);
    let taken = rate(gateway, "gateway_connections_accepted_total", &[]);
    let served = rate(gateway, "gateway_connections_handled_total", &[]);
    vec![
        Panel::lines("Connections by state", Unit::Count)
            .about("Connections that are read from, written to, or wait; active is all. Bad: writing that grows: services or clients are slow.")
            .wide(12)
            .with(Target::new(&gateway.metric("gateway_connections").now().sum(&["state"]), "{{state}}")),
        Panel::lines("New connections", Unit::PerSecond)
            .about("Connections taken, and those that nginx had no room for. Bad: any that was not served.")
            .wide(12)
            .with(Target::new(&taken, "taken"))
            .with(Target::new(&(taken - served).at_least_nothing(), "not served")),
    ]
}
