//! The shop's recording rules and alerts, with the thresholds of the Store.

use std::time::Duration;

use serde_json::Value;
use shopkeeper_api::AlertWindows;
use shopkeeper_monitoring::{AlertSettings, Subject, Windows};

use super::{
    check::{number, share},
    scrape::OPERATOR_JOB,
};
use crate::{Found, Shop};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The rules as Prometheus reads them from a file, or the Prometheus Operator from its resource.
#[expect(clippy::expect_used, reason = "keys of these documents are texts, which can always be written")]
pub(super) fn rules(shop: &Shop, found: &Found) -> Value {
    let subject = Subject { namespace: shop.namespace.clone(), store: shop.name.clone() };
    let mut rules = shopkeeper_monitoring::rules(&subject, &settings(shop));
    if found.operator_metrics.is_none() {
        // Whose figures nobody collects would be taken for gone for ever.
        rules.groups.retain(|group| group.name != format!("alerts-{OPERATOR_JOB}"));
    }
    serde_json::to_value(rules).expect("JSON")
}

fn settings(shop: &Shop) -> AlertSettings {
    let asked = &shop.monitoring().alerts;
    let usual = AlertSettings::default();
    AlertSettings {
        latency_p99: asked.latency_p99.as_std(),
        latency_p95: asked.latency_p95.as_std(),
        error_ratio: share(&asked.error_ratio).unwrap_or(usual.error_ratio),
        availability: share(&asked.availability).unwrap_or(usual.availability),
        min_requests_per_second: number(&asked.min_requests_per_second).unwrap_or(usual.min_requests_per_second),
        max_requests_per_second: number(&asked.max_requests_per_second).unwrap_or(usual.max_requests_per_second),
        hit_ratio: share(&asked.hit_ratio).unwrap_or(usual.hit_ratio),
        staleness: asked.staleness.as_std(),
        outbox_lag: asked.outbox_lag.as_std(),
        backup_age: shop.backup().and_then(|backup| {
            asked.backup_age.map(shopkeeper_api::Duration::as_std).or_else(|| longest_pause(&backup.schedule))
        }),
        certificate_left: asked.certificate_left.as_std(),
        windows: match asked.windows {
            AlertWindows::Standard => Windows::Standard,
            AlertWindows::Demo => Windows::Demo,
        },
        runbooks: asked.runbook_url.trim_end_matches('/').to_owned(),
        dashboards: format!("{}/grafana/d", shop.link_url()),
        extra_labels: asked.labels.clone(),
    }
}

/// How long it may take from one backup to the next, and a while more, as far as a glance at the schedule tells; nothing where that is rarer than
/// once a month.
fn longest_pause(schedule: &str) -> Option<Duration> {
    let a_while = Duration::from_secs(2 * 3600);
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    let days = match fields.as_slice() {
        ["@hourly" | "@daily" | "@midnight"] | [_, _, "*", "*", "*"] => 1,
        ["@weekly"] | [_, _, "*", "*", _] => 7,
        ["@monthly"] | [_, _, _, "*", _] => 31,
        _ => return None,
    };
    Some(DAY * days + a_while)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_late_a_while_after_the_next_one_was_due() {
        let hours = |schedule: &str| longest_pause(schedule).map(|pause| pause.as_secs() / 3600);
        for (schedule, expected) in [
            ("0 3 * * *", Some(26)),
            ("*/30 * * * *", Some(26)),
            ("@hourly", Some(26)),
            ("0 3 * * mon-fri", Some(170)),
            ("@weekly", Some(170)),
            ("0 3 1 * *", Some(746)),
            ("0 3 1 1 *", None),
            ("@yearly", None),
        ] {
            assert_eq!(hours(schedule), expected, "{schedule}");
        }
    }
}
