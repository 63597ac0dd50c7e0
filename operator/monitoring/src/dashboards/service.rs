//! What every service is looked at by: requests, failures, times, database, caches, events.

use super::parts::{NOW, job, quantile, rate};
use crate::grafana::{Dashboard, Level, Panel, Target, Unit};
use crate::promql::{Expr, Job, Source};

const SECONDS: &str = "http_request_duration_seconds";
const COUNT: &str = "http_request_duration_seconds_count";

/// A dashboard that begins with what every service is looked at by.
pub(super) fn dashboard(of: Job, uid: &'static str, title: &'static str, about: &'static str) -> Dashboard {
    let source = job(of);
    Dashboard::new(uid, title, about).row("At a glance", glance(&source)).row("Requests", requests(&source))
}

/// The share of requests that fail for the service's own fault, for each value of these labels.
pub(super) fn failing(of: &Source, by: &[&str]) -> Expr {
    let failed = of.metric(COUNT).like("status", "5..").rate(NOW).sum(by);
    failed.share_if_any_of(&rate(of, COUNT, by))
}

fn glance(of: &Source) -> Vec<Panel> {
    vec![
        Panel::figure("Requests", Unit::RequestsPerSecond)
            .about("Requests a second to all pods. Bad: none while customers are there, or more than was measured for.")
            .with(Target::new(&rate(of, COUNT, &[]), "requests")),
        Panel::figure("Failing", Unit::Share)
            .about("The share of requests answered with 5xx. Bad: more than one in a thousand.")
            .levels([Level::Odd(0.001), Level::Bad(0.01)])
            .with(Target::new(&failing(of, &[]), "failing")),
        Panel::figure("Slowest of a hundred", Unit::Seconds)
            .about("99 of 100 requests are answered faster than this. Bad: more than half a second.")
            .levels([Level::Odd(0.2), Level::Bad(0.5)])
            .with(Target::new(&quantile(of, SECONDS, 0.99, &[]), "p99")),
        Panel::figure("Being served", Unit::Count)
            .about("Requests that are worked on at this moment. Bad: it stays high while few requests come: something hangs.")
            .with(Target::new(&of.metric("http_requests_in_flight").now().sum(&[]), "in flight")),
        Panel::figure("Pods", Unit::Plain)
            .about("Pods that tell their figures. Bad: fewer than the Store asks for.")
            .levels([Level::Good(1.0)])
            .with(Target::new(&of.metric("up").now().sum(&[]), "pods")),
        Panel::figure("Memory of the largest pod", Unit::Bytes)
            .about("Resident memory of the pod that has most. Bad: near the limit of its container, at which it is killed.")
            .with(Target::new(&of.metric("process_resident_memory_bytes").now().max(&[]), "memory")),
    ]
}

fn requests(of: &Source) -> Vec<Panel> {
    vec![
        Panel::areas("Requests by route", Unit::RequestsPerSecond)
            .about("What is asked for. Bad: a route that stops while others go on, or <unknown>, by which somebody tries paths.")
            .with(Target::new(&rate(of, COUNT, &["method", "route"]), "{{method}} {{route}}")),
        Panel::areas("Answers by status", Unit::RequestsPerSecond)
            .about("How requests ended. Bad: 5xx, which is the shop's fault; many 429, by which somebody is slowed down.")
            .with(Target::new(&rate(of, COUNT, &["status"]), "{{status}}")),
        Panel::lines("Failing by route", Unit::Share)
            .about("The share of each route's requests that are answered with 5xx. Bad: anything that stays.")
            .with(Target::new(&failing(of, &["route"]), "{{route}}")),
        Panel::lines("Time to answer", Unit::Seconds)
            .about("Half, 95 and 99 of 100 requests are answered faster than this; dots lead to traces. Bad: the 99th far above its usual height.")
            .with(Target::new(&quantile(of, SECONDS, 0.5, &[]), "half"))
            .with(Target::new(&quantile(of, SECONDS, 0.95, &[]), "95 of 100"))
            .with(Target::new(&quantile(of, SECONDS, 0.99, &[]), "99 of 100").with_exemplars()),
        Panel::lines("Time to answer by route", Unit::Seconds)
            .about("99 of 100 requests of a route are answered faster than this. Bad: one route that leaves the others behind.")
            .with(Target::new(&quantile(of, SECONDS, 0.99, &["route"]), "{{route}}").with_exemplars()),
        Panel::heatmap("Times to answer", Unit::Seconds)
            .about("How many requests took how long; dots lead to traces. Bad: a second band far above the first.")
            .wide(8)
            .with(Target::new(&rate(of, "http_request_duration_seconds_bucket", &["le"]), "{{le}}").with_exemplars()),
    ]
}

/// The database as the service sees it.
pub(super) fn database(of: Job) -> Vec<Panel> {
    let source = &job(of);
    vec![
        Panel::areas("Queries", Unit::PerSecond)
            .about("Queries of the database a second. Bad: many more than requests, or one that did not use to be there.")
            .with(Target::new(&rate(source, "db_query_duration_seconds_count", &["query"]), "{{query}}")),
        Panel::lines("Time of queries", Unit::Seconds)
            .about("95 of 100 queries are answered faster than this; dots lead to traces. Bad: one that grows with the data.")
            .with(Target::new(&quantile(source, "db_query_duration_seconds", 0.95, &["query"]), "{{query}}").with_exemplars()),
        Panel::lines("Connections", Unit::Count)
            .about("Connections to the database, by whether they are in use, and how many there may be. Bad: as many used as may be: requests wait for one.")
            .with(Target::new(&source.metric("db_pool_connections").now().sum(&["state"]), "{{state}}"))
            .with(Target::new(&source.metric("db_pool_connections_max").now().sum(&[]), "at most")),
    ]
}

/// The service's caches in short; there is a dashboard of them.
pub(super) fn caches(of: Job) -> Vec<Panel> {
    let source = &job(of);
    let hits = rate(source, "cache_hits_total", &["cache"]);
    let all = hits.clone() + rate(source, "cache_misses_total", &["cache"]);
    vec![
        Panel::lines("Answers from caches", Unit::Share)
            .about("The share of look-ups that a cache answers. Bad: it falls and the database has more to do.")
            .up_to(1.0)
            .wide(12)
            .with(Target::new(&hits.share_of(&all), "{{cache}}")),
        Panel::lines("Loads", Unit::PerSecond)
            .about(
                "What caches load from the database, a second. Bad: it follows the requests: the cache does not help.",
            )
            .wide(12)
            .with(Target::new(&rate(source, "cache_loads_total", &["cache"]), "{{cache}}")),
    ]
}

/// What the service has to tell others.
pub(super) fn events(of: Job) -> Vec<Panel> {
    let source = &job(of);
    vec![
        Panel::lines("Oldest event that waits", Unit::Seconds)
            .about("How long the oldest event has waited for its delivery. Bad: it grows: its receiver is away or refuses it.")
            .with(Target::new(&source.metric("outbox_lag_seconds").now().max(&[]), "oldest")),
        Panel::lines("Deliveries", Unit::PerSecond)
            .about("Deliveries of events by outcome. Bad: failed ones that stay, and any that was given up.")
            .with(Target::new(&rate(source, "outbox_deliveries_total", &["outcome"]), "{{outcome}}")),
        Panel::figure("Dead letters", Unit::Count)
            .about("Events that were given up. Bad: any; an administrator replays or deletes them.")
            .levels([Level::Bad(1.0)])
            .wide(8)
            .with(Target::new(&source.metric("outbox_dead_letters").now().max(&[]), "given up")),
    ]
}

/// The calls of other services.
pub(super) fn siblings(of: Job) -> Vec<Panel> {
    let source = &job(of);
    vec![
        Panel::areas("Calls of other services", Unit::PerSecond)
            .about("Calls of other services by how they ended. Bad: unavailable, unreadable, no_time, and breaker_open, which was not called.")
            .wide(12)
            .with(Target::new(&rate(source, "sibling_requests_total", &["sibling", "outcome"]), "{{sibling}} {{outcome}}")),
        Panel::lines("Services that are left alone", Unit::Plain)
            .about("1 while a service is not called since it failed several times. Bad: anything but 0.")
            .up_to(1.0)
            .wide(12)
            .with(Target::new(&source.metric("sibling_breaker_open").now().max(&["sibling"]), "{{sibling}}")),
    ]
}
