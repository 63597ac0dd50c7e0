//! Checks what a Store says of its monitoring, in case something slipped past the API server.

use std::ops::RangeInclusive;

use shopkeeper_api::{ALERT_LABELS, Alerts, Duration, LoadTest, Monitoring, Store, is_own_key};

use crate::InvalidStore;

/// What a Store asks for, if it makes sense.
pub(crate) fn checked(store: &Store) -> Result<Monitoring, InvalidStore> {
    let monitoring = store.spec.monitoring();
    let Monitoring { enabled: _, public_url, prometheus, alertmanager, grafana, tracing, exporters: _, alerts, tools } =
        &monitoring;
    let problems = [
        ("spec.monitoring.publicUrl", "write scheme, host and perhaps port, such as https://shop.example.com", {
            public_url.as_deref().is_none_or(|url| is_url(url) && !path_of(url).contains('/'))
        }),
        ("spec.monitoring.prometheus.scrapeInterval", "write a time from 1s to 2m", {
            is_within(prometheus.scrape_interval, 1..=120)
        }),
        ("spec.monitoring.prometheus.retention", "write a time from 1h to 8760h", {
            is_within(prometheus.retention, 3600..=8760 * 3600)
        }),
        ("spec.monitoring.prometheus.url", "write the address of a Prometheus", {
            prometheus.url.as_deref().is_none_or(is_url)
        }),
        (
            "spec.monitoring.alertmanager.watchdogUrl",
            "write an address, such as https://heartbeats.example.com/shop",
            { alertmanager.watchdog_url.as_deref().is_none_or(is_url) },
        ),
        ("spec.monitoring.alertmanager.telegram.apiUrl", "write scheme and host, such as https://api.telegram.org", {
            alertmanager.telegram.as_ref().is_none_or(|telegram| is_url(&telegram.api_url))
        }),
        ("spec.monitoring.grafana", "it has nothing to show without figures: turn prometheus on, or grafana off", {
            !grafana.enabled || prometheus.enabled || prometheus.url.is_some() || !monitoring.enabled
        }),
        ("spec.monitoring.grafana.dashboardLabels", "write labels of your own, such as grafana_dashboard", {
            grafana.dashboard_labels.keys().all(|key| is_own_key(key))
        }),
        ("spec.monitoring.tracing.maxTraces", "write a number from 100 to 1000000", {
            (100..=1_000_000).contains(&tracing.max_traces)
        }),
        ("spec.monitoring.tracing.sampling", "write a share between 0 and 1", share(&tracing.sampling).is_some()),
        (
            "spec.monitoring.tools.pgAdmin",
            "it is for a database that the operator or CloudNativePG runs: leave it out",
            { !tools.pg_admin.enabled || store.spec.database().external.is_none() },
        ),
        ("spec.monitoring.tools.redisCommander", "it is for a Redis that the operator runs: leave it out", {
            !tools.redis_commander.enabled || store.spec.redis().external.is_none()
        }),
        (
            "spec.monitoring.tools.redisCommander",
            "it has no login of its own, only the network keeps others from it: write networkPolicies: true, or leave it out",
            !tools.redis_commander.enabled || store.spec.network_policies,
        ),
    ];
    let wrong = problems.into_iter().find(|(_, _, right)| !right);
    match wrong.map(|(path, problem, _)| (path, problem)).or_else(|| wrong_alerts(alerts)) {
        Some((path, problem)) => Err(InvalidStore::Monitoring { path, problem }),
        None => Ok(monitoring),
    }
}

fn wrong_alerts(alerts: &Alerts) -> Option<(&'static str, &'static str)> {
    let Alerts {
        latency_p99,
        latency_p95,
        error_ratio,
        availability,
        min_requests_per_second,
        max_requests_per_second,
        hit_ratio,
        staleness,
        outbox_lag,
        backup_age,
        certificate_left,
        windows: _,
        runbook_url,
        labels,
    } = alerts;
    let times = [*latency_p99, *latency_p95, *staleness, *outbox_lag, *certificate_left];
    let (least, most) = (number(min_requests_per_second), number(max_requests_per_second));
    let is_label = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !ALERT_LABELS.contains(&name)
    };
    let problems = [
        ("spec.monitoring.alerts", "write times of more than nothing", {
            times.into_iter().chain(*backup_age).all(|time| !time.is_zero())
        }),
        ("spec.monitoring.alerts.latencyP95", "it must not be longer than latencyP99", latency_p95 <= latency_p99),
        ("spec.monitoring.alerts", "write shares between 0 and 1", {
            share(error_ratio).is_some() && share(hit_ratio).is_some()
        }),
        ("spec.monitoring.alerts.availability", "write a share less than 1, such as 0.999", {
            share(availability).is_some_and(|share| share < 1.0)
        }),
        ("spec.monitoring.alerts", "minRequestsPerSecond must be less than maxRequestsPerSecond", {
            least.zip(most).is_some_and(|(least, most)| most <= 0.0 || least < most)
        }),
        ("spec.monitoring.alerts.runbookUrl", "write an address", is_url(runbook_url)),
        ("spec.monitoring.alerts.labels", "write labels that the alerts do not set themselves, such as team", {
            labels.keys().all(|name| is_label(name))
        }),
        (
            "spec.monitoring.alerts.labels",
            "Prometheus takes {{ for the beginning of a template: write values without it",
            labels.values().all(|value| !value.contains("{{")),
        ),
    ];
    problems.into_iter().find(|(_, _, right)| !right).map(|(path, problem, _)| (path, problem))
}

/// What a Store asks for in customers who are none, if it makes sense.
pub(crate) fn checked_load_test(store: &Store) -> Result<LoadTest, InvalidStore> {
    let load_test = store.spec.load_test();
    let some_time = load_test.run_time.is_none_or(|time| time >= Duration::from_secs(1));
    if load_test.users == 0 || load_test.spawn_rate == 0 || !some_time {
        let problem = "write 1 or more as users and spawnRate, and 1s or more as runTime";
        return Err(InvalidStore::Monitoring { path: "spec.loadTest", problem });
    }
    Ok(load_test)
}

/// A share between 0 and 1.
pub(crate) fn share(text: &str) -> Option<f64> {
    number(text).filter(|share| *share <= 1.0)
}

/// A number that is not negative, in digits.
pub(crate) fn number(text: &str) -> Option<f64> {
    let plain = text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    text.parse().ok().filter(|_| plain)
}

fn is_within(time: Duration, seconds: RangeInclusive<u64>) -> bool {
    (Duration::from_secs(*seconds.start())..=Duration::from_secs(*seconds.end())).contains(&time)
}

/// What follows the scheme.
fn path_of(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

/// Whether it is an address, with nothing in it that means something to a shell, a template or a label.
fn is_url(url: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/?&=%:".contains(c);
    let scheme = url.starts_with("http://") || url.starts_with("https://");
    scheme && path_of(url).starts_with(|c: char| c.is_ascii_alphanumeric()) && path_of(url).chars().all(allowed)
}
