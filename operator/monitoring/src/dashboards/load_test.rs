//! The load generator: what customers who are none ask for, and how they fare.

use super::parts::{NOW, job, jobs, or_nothing, quantile, rate};
use crate::grafana::{Dashboard, Level, Mapping, Panel, Target, Unit};
use crate::promql::{Job, SERVICES};

/// Locust's own name for all requests together.
const ALL: &str = "Aggregated";

pub(super) fn dashboard() -> Dashboard {
    let about = "What simulated customers ask for and how they fare. Empty while the Store has no load test.";
    Dashboard::new("shop-load-test", "Load test", about)
        .row("At a glance", glance())
        .row("Steps", steps())
        .row("What it does to the shop", shop())
}

fn glance() -> Vec<Panel> {
    let locust = &job(Job::Locust);
    let all = rate(locust, "locust_requests_total", &[]);
    let p99 = locust.metric("locust_response_time_seconds").labelled("name", ALL).labelled("quantile", "0.99");
    vec![
        Panel::figure("Run", Unit::Plain)
            .about("Whether a run is going on. Bad: idle while one should be.")
            .words(Mapping::yes_no("going on", "idle"))
            .wide(5)
            .with(Target::new(&locust.metric("locust_running").now().max(&[]), "running")),
        Panel::figure("Users", Unit::Count)
            .about("Simulated users. Bad: fewer than were asked for: the generator has too little processor.")
            .wide(5)
            .with(Target::new(&locust.metric("locust_users").now().sum(&[]), "users")),
        Panel::figure("Requests", Unit::RequestsPerSecond)
            .about("Requests a second. Bad: it does not rise with the users: the shop or the generator is at its limit.")
            .wide(5)
            .with(Target::new(&all, "requests")),
        Panel::figure("Failing", Unit::Share)
            .about("The share of requests that failed. Bad: more than one in a thousand.")
            .levels([Level::Odd(0.001), Level::Bad(0.01)])
            .wide(5)
            .with(Target::new(&rate(locust, "locust_failures_total", &[]).share_if_any_of(&all), "failing")),
        Panel::figure("Slowest of a hundred", Unit::Seconds)
            .about("99 of 100 requests of the last ten seconds were answered within this, as the users saw it. Bad: above half a second.")
            .levels([Level::Odd(0.2), Level::Bad(0.5)])
            .with(Target::new(&p99.now().max(&[]), "p99")),
    ]
}

fn steps() -> Vec<Panel> {
    let locust = &job(Job::Locust);
    let slowest = locust.metric("locust_response_time_seconds").not_labelled("name", ALL).labelled("quantile", "0.95");
    vec![
        Panel::areas("Requests by step", Unit::RequestsPerSecond)
            .about("What the users ask for. Bad: a step that stops.")
            .with(Target::new(&rate(locust, "locust_requests_total", &["name"]), "{{name}}")),
        Panel::lines("Failing by step", Unit::PerSecond)
            .about("Requests that failed. Bad: any that stays; refused checkouts of a flash sale are no failures.")
            .with(Target::new(&rate(locust, "locust_failures_total", &["name"]), "{{name}}")),
        Panel::lines("Time by step", Unit::Seconds)
            .about("95 of 100 requests since the beginning of the run were answered within this. Bad: one step far above the others.")
            .with(Target::new(&slowest.now().max(&["name"]), "{{name}}")),
    ]
}

fn shop() -> Vec<Panel> {
    let services = &jobs(&SERVICES);
    let by = ["job"];
    let throttled = services.metric("process_cpu_seconds_total").rate(NOW).sum(&by);
    let hits = rate(services, "cache_hits_total", &[]);
    let looked = hits.clone() + rate(services, "cache_misses_total", &[]);
    let orders = job(Job::Order);
    vec![
        Panel::lines("Time to answer", Unit::Seconds)
            .about("99 of 100 requests are answered within this inside the services; dots lead to traces. Bad: far below what the users see: the gateway or the network.")
            .with(Target::new(&quantile(services, "http_request_duration_seconds", 0.99, &by), "{{job}}").with_exemplars()),
        Panel::lines("Processors", Unit::Plain)
            .about("Processors that each service keeps busy. Bad: as many as its pods may have.")
            .with(Target::new(&throttled, "{{job}}")),
        Panel::lines("From caches", Unit::Share)
            .about("The share of look-ups that caches answer. Bad: it stays low after the first minute.")
            .up_to(1.0)
            .with(Target::new(&hits.share_of(&looked), "answered")),
        Panel::lines("Orders a second", Unit::PerSecond)
            .about("Orders made. Bad: it falls while checkouts are asked for.")
            .wide(24)
            .with(Target::new(&or_nothing(&rate(&orders, "orders_created_total", &[]), &orders), "orders")),
    ]
}
