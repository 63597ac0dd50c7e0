//! The overview: is the shop open, does it keep its promises, and where to look next.

use super::parts::{NOW, job, jobs, or_nothing, quantile, rate, recorded};
use super::service::failing;
use crate::grafana::{Dashboard, Level, Mapping, Panel, Target, Unit};
use crate::promql::{Expr, Job, SERVICES, Window};
use crate::service_levels::SHOP;

const SECONDS: &str = "http_request_duration_seconds";

pub(super) fn dashboard() -> Dashboard {
    let about = "Is the shop open, does it keep its promises, and where to look next.";
    Dashboard::new("shop-overview", "Shop overview", about)
        .row("At a glance", glance())
        .row("Service levels", levels())
        .row("What customers ask for", signals())
        .row("Business", business())
        .row("What it stands on", foundations())
}

fn glance() -> Vec<Panel> {
    let gateway = &job(Job::Gateway);
    let edge = || gateway.metric("gateway_request_duration_seconds_count").like("service", SHOP);
    let failed = edge().like("status", "5..").rate(NOW).sum(&[]);
    let slow = gateway.metric("gateway_request_duration_seconds_bucket").like("service", SHOP).unlike("status", "101");
    let firing = |severity| {
        let alerts = recorded().metric("ALERTS").labelled("alertstate", "firing").labelled("severity", severity);
        or_nothing(&alerts.now().count(&[]), &jobs(&SERVICES))
    };
    vec![
        Panel::figure("Shop", Unit::Plain)
            .about("Whether the operator calls the Store ready. Bad: closed; the conditions of the Store say why.")
            .words(Mapping::yes_no("open", "closed"))
            .with(Target::new(&job(Job::Operator).metric("operator_store_ready").now().max(&[]), "ready")),
        Panel::figure("Critical alerts", Unit::Count)
            .about("Alerts that somebody has to look at now. Bad: any.")
            .levels([Level::Bad(1.0)])
            .with(Target::new(&firing("critical"), "critical")),
        Panel::figure("Warnings", Unit::Count)
            .about("Alerts that somebody has to look at during the day. Bad: any that stays.")
            .levels([Level::Odd(1.0)])
            .with(Target::new(&firing("warning"), "warning")),
        Panel::figure("Requests", Unit::RequestsPerSecond)
            .about("What customers ask for at the gateway, a second. Bad: nothing, at a time at which there should be customers.")
            .with(Target::new(&edge().rate(NOW).sum(&[]), "requests")),
        Panel::figure("Failing", Unit::Share)
            .about("The share of customers' requests that are answered with 5xx. Bad: more than one in a thousand.")
            .levels([Level::Odd(0.001), Level::Bad(0.01)])
            .with(Target::new(&failed.share_if_any_of(&edge().rate(NOW).sum(&[])), "failing")),
        Panel::figure("Slowest of a hundred", Unit::Seconds)
            .about("99 of 100 requests are answered faster than this at the gateway, streams that stay open included. Bad: more than half a second.")
            .levels([Level::Odd(0.2), Level::Bad(0.5)])
            .with(Target::new(&slow.rate(NOW).quantile(0.99, &[]), "p99")),
    ]
}

fn levels() -> Vec<Panel> {
    let of = |name: &str, slo: &str| recorded().metric(name).labelled("slo", slo).now();
    let left = |slo| of("slo:period_error_budget_remaining:ratio", slo);
    let burning = |slo| of("slo:current_burn_rate:ratio", slo);
    let services = jobs(&SERVICES);
    vec![
        Panel::bars("What may still fail", Unit::Share)
            .about("What is left of the requests that may fail, over the longest window. Bad: below a quarter; below 0 the promise is broken.")
            .levels([Level::Odd(0.0), Level::Good(0.25)])
            .up_to(1.0)
            .wide(6)
            .with(Target::new(&left("availability"), "{{service}}")),
        Panel::bars("What may still be slow", Unit::Share)
            .about("What is left of the requests that may be slow, over the longest window. Bad: below a quarter; below 0 the promise is broken.")
            .levels([Level::Odd(0.0), Level::Good(0.25)])
            .up_to(1.0)
            .wide(6)
            .with(Target::new(&left("latency"), "{{service}}")),
        Panel::lines("How fast failures use it up", Unit::Count)
            .about("1 is as fast as can be kept up for good. Bad: above 14, at which a month's failures are used up in two days.")
            .wide(6)
            .with(Target::new(&burning("availability"), "{{service}}")),
        Panel::lines("How fast slow answers use it up", Unit::Count)
            .about("1 is as fast as can be kept up for good. Bad: above 14, at which a month's slow answers are used up in two days.")
            .wide(6)
            .with(Target::new(&burning("latency"), "{{service}}")),
        Panel::table("Promised", Unit::Share)
            .about("The share of requests that is promised to be good, by service and kind. Bad: nothing by itself; the Store sets it.")
            .wide(12)
            .with(Target::new(&recorded().metric("slo:objective:ratio").now().max(&["service", "slo"]), "{{service}} {{slo}}")),
        Panel::table("Alerts that fire", Unit::Plain)
            .about("1 for each alert that fires at this moment. Bad: any but the Watchdog, which always fires.")
            .wide(12)
            .with(Target::new(&or_nothing(&firing_now(), &services), "{{alertname}}")),
    ]
}

fn firing_now() -> Expr {
    recorded().metric("ALERTS").labelled("alertstate", "firing").now().max(&["alertname", "severity", "service"])
}

fn signals() -> Vec<Panel> {
    let services = &jobs(&SERVICES);
    let by = ["job"];
    let used = services.metric("process_cpu_seconds_total").rate(NOW).sum(&by);
    vec![
        Panel::areas("Traffic", Unit::RequestsPerSecond)
            .about("Requests to each service a second. Bad: one that stops while the others go on.")
            .wide(6)
            .with(Target::new(&rate(services, &format!("{SECONDS}_count"), &by), "{{job}}")),
        Panel::lines("Errors", Unit::Share)
            .about("The share of each service's requests that are answered with 5xx. Bad: more than one in a thousand.")
            .wide(6)
            .with(Target::new(&failing(services, &by), "{{job}}")),
        Panel::lines("Latency", Unit::Seconds)
            .about("99 of 100 requests are answered faster than this; dots lead to traces. Bad: more than half a second.")
            .wide(6)
            .with(Target::new(&quantile(services, SECONDS, 0.99, &by), "{{job}}").with_exemplars()),
        Panel::lines("Saturation", Unit::Plain)
            .about("Processors that each service keeps busy. Bad: as many as its pods may have: then they are slowed down.")
            .wide(6)
            .with(Target::new(&used, "{{job}}")),
    ]
}

fn business() -> Vec<Panel> {
    let shown = |of: Job, name: &str| job(of).metric(name).increase(Window::Shown).sum(&[]);
    vec![
        Panel::figure("Product pages", Unit::Count)
            .about("Pages of products shown in this time. Bad: none.")
            .wide(6)
            .with(Target::new(&shown(Job::Catalog, "product_views_total"), "pages")),
        Panel::figure("Orders", Unit::Count)
            .about("Orders made in this time. Bad: none while pages are shown.")
            .wide(6)
            .with(Target::new(&shown(Job::Order, "orders_created_total"), "orders")),
        Panel::figure("New users", Unit::Count)
            .about("Users registered in this time. Bad: very many at once.")
            .wide(6)
            .with(Target::new(&shown(Job::User, "user_registrations_total"), "users")),
        Panel::figure("Open sockets", Unit::Count)
            .about("Browsers that hear of the shop as it happens. Bad: a sudden fall.")
            .wide(6)
            .with(Target::new(&job(Job::Catalog).metric("websocket_connections_active").now().sum(&[]), "sockets")),
    ]
}

fn foundations() -> Vec<Panel> {
    let services = &jobs(&SERVICES);
    let hits = rate(services, "cache_hits_total", &[]);
    let all = hits.clone() + rate(services, "cache_misses_total", &[]);
    let answers = Mapping::yes_no("answers", "away");
    vec![
        Panel::figure("Database", Unit::Plain)
            .about("Whether PostgreSQL answers. Bad: away: nobody can buy anything.")
            .words(answers)
            .with(Target::new(&job(Job::Postgres).metric("pg_up").now().max(&[]), "PostgreSQL")),
        Panel::figure("Redis", Unit::Plain)
            .about("Whether Redis answers. Bad: away: the shop works, and the database has more to do.")
            .words(answers)
            .with(Target::new(&job(Job::Redis).metric("redis_up").now().max(&[]), "Redis")),
        Panel::figure("From caches", Unit::Share)
            .about("The share of look-ups that caches answer. Bad: it falls by much.")
            .levels([Level::Odd(0.3), Level::Good(0.5)])
            .with(Target::new(&hits.share_of(&all), "hits")),
        Panel::figure("Oldest event", Unit::Seconds)
            .about("How long the oldest event has waited for its delivery. Bad: more than half a minute.")
            .levels([Level::Odd(10.0), Level::Bad(30.0)])
            .with(Target::new(&services.metric("outbox_lag_seconds").now().max(&[]), "oldest")),
        Panel::figure("Pods not ready", Unit::Count)
            .about("Pods that should be ready and are not, of all parts. Bad: any that stays.")
            .levels([Level::Odd(1.0)])
            .with(Target::new(&pods_missing(), "missing")),
        Panel::figure("What can't be asked", Unit::Count)
            .about("Pods and exporters that do not tell their figures. Bad: any that stays.")
            .levels([Level::Odd(1.0)])
            .with(Target::new(&or_nothing(&recorded().metric("up").now().equal(0.0).count(&[]), services), "silent")),
    ]
}

fn pods_missing() -> Expr {
    let operator = job(Job::Operator);
    let of = |name| operator.metric(name).now().max(&["component"]).sum(&[]);
    of("operator_store_pods_desired") - of("operator_store_pods_ready")
}
