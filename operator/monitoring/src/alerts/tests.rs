//! Each alert against series that must, and that must not, raise it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::example::Example;
use crate::promtool::promtool;
use crate::rules::{Rule, RuleFile, rules};
use crate::settings::{AlertSettings, Windows};
use crate::subject::Subject;

fn examples() -> Vec<Example> {
    [
        super::watchdog::examples,
        super::service_levels::examples,
        super::requests::examples,
        super::gateway::examples,
        super::pods::examples,
        super::services::examples,
        super::orders::examples,
        super::cache::examples,
        super::redis::examples,
        super::postgres::examples,
        super::operator::examples,
        super::upkeep::examples,
        super::monitoring::examples,
        super::jaeger::examples,
    ]
    .into_iter()
    .flat_map(|examples| examples())
    .collect()
}

fn subject() -> Subject {
    Subject { namespace: "shop".into(), store: "demo".into() }
}

/// Settings by which there is every alert.
fn all_alerts() -> AlertSettings {
    AlertSettings {
        min_requests_per_second: 1.0,
        backup_age: Some(Duration::from_secs(30 * 60)),
        extra_labels: [("team".to_owned(), "shop".to_owned())].into(),
        ..AlertSettings::default()
    }
}

#[test]
fn prometheus_takes_the_rules_whatever_is_asked_for() {
    let demo = AlertSettings { windows: Windows::Demo, ..all_alerts() };
    let never = AlertSettings { max_requests_per_second: 0.0, ..AlertSettings::default() };
    for settings in [AlertSettings::default(), all_alerts(), demo, never] {
        let file = serde_json::to_value(rules(&subject(), &settings)).expect("it is JSON");
        promtool(&["check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"], &[("rules.yaml", &file)]);
    }
}

#[test]
fn every_alert_has_an_example_that_raises_it_and_one_that_does_not() {
    let examples = examples();
    for alert in rules(&subject(), &all_alerts()).alerts() {
        let of_it = || examples.iter().filter(|example| example.alert == alert.name);
        let raised = of_it().any(|example| example.expected.iter().any(|it| it.severity == alert.severity));
        assert!(raised, "{} ({}) needs an example that raises it", alert.name, alert.severity.as_str());
        let quiet = of_it().any(|example| example.expected.is_empty()) || alert.name == "Watchdog";
        assert!(quiet, "{} needs an example that does not raise it", alert.name);
    }
    let names: BTreeSet<_> = rules(&subject(), &all_alerts()).alerts().map(|alert| alert.name.clone()).collect();
    for example in &examples {
        assert!(names.contains(example.alert), "there is no alert {}", example.alert);
    }
}

#[test]
fn every_alert_fires_when_it_should_and_only_then() {
    let file = rules(&subject(), &all_alerts());
    let names: BTreeSet<_> = file.alerts().map(|alert| alert.name.as_str()).collect();
    let mut files: Vec<(String, Value)> = Vec::new();
    for name in names {
        let rules = format!("{name}.rules.yaml");
        let tests: Vec<_> = examples().iter().filter(|it| it.alert == name).map(|it| test(&file, it)).collect();
        let tests = json!({"rule_files": [rules], "evaluation_interval": "30s", "tests": tests});
        files.push((format!("{name}.test.yaml"), tests));
        files.push((rules, json!(of_one_alert(&file, name))));
    }
    let tests = files.iter().map(|(name, _)| name.as_str()).filter(|name| name.ends_with(".test.yaml"));
    let arguments: Vec<_> = ["test", "rules"].into_iter().chain(tests).collect();
    let files: Vec<_> = files.iter().map(|(name, content)| (name.as_str(), content)).collect();
    promtool(&arguments, &files);
}

/// The rules that this alert needs: all of them over hours of series would take minutes.
fn of_one_alert(file: &RuleFile, name: &str) -> RuleFile {
    let recorded = file.alerts().any(|alert| alert.name == name && alert.expr.contains("slo:"));
    let wanted = |rule: &Rule| match rule {
        Rule::Recording(_) => recorded,
        Rule::Alert(alert) => alert.name == name,
    };
    let mut file = file.clone();
    for group in &mut file.groups {
        group.rules.retain(wanted);
    }
    file
}

/// The example as promtool reads it.
fn test(file: &RuleFile, example: &Example) -> Value {
    let series: Vec<_> =
        example.series.iter().map(|(series, values)| json!({"series": series, "values": values})).collect();
    let expected: Vec<_> = example
        .expected
        .iter()
        .map(|expected| {
            let alert = file
                .alerts()
                .find(|alert| alert.name == example.alert && alert.severity == expected.severity)
                .expect("there is this alert");
            let mut labels = json!({
                "severity": expected.severity.as_str(), "namespace": "shop", "store": "demo", "team": "shop",
            });
            for (label, value) in &expected.labels {
                labels[*label] = json!(value);
            }
            let mut annotations = json!(alert.annotations);
            annotations["description"] = json!(expected.description);
            json!({"exp_labels": labels, "exp_annotations": annotations})
        })
        .collect();
    let alert = json!({"eval_time": example.at, "alertname": example.alert, "exp_alerts": expected});
    json!({"name": example.alert, "interval": "30s", "input_series": series, "alert_rule_test": [alert]})
}

#[test]
fn every_alert_says_what_it_is_how_bad_and_where_to_go_on() {
    let dashboards: BTreeSet<_> = crate::dashboards().iter().map(crate::Dashboard::uid).collect();
    let settings = all_alerts();
    for alert in rules(&subject(), &settings).alerts() {
        let name = &alert.name;
        let annotation = |key: &str| alert.annotations.get(key).unwrap_or_else(|| panic!("{name} has no {key}"));
        assert!(!annotation("summary").contains("{{"), "{name}: a summary has no figures");
        for text in ["summary", "description"] {
            assert!(annotation(text).ends_with('.'), "{name}: {text} is a sentence");
        }
        assert_eq!(annotation("runbook_url"), &format!("{}/{}", settings.runbooks, alert.runbook()));
        let dashboard = annotation("dashboard_url");
        let uid = dashboard.strip_prefix("/grafana/d/").and_then(|rest| rest.split('?').next()).expect("an address");
        assert!(dashboards.contains(uid), "{name}: there is no dashboard {uid}");
        for label in ["severity", "namespace", "store", "service", "team"] {
            assert!(alert.labels.contains_key(label), "{name} has no label {label}");
        }
    }
}

#[test]
fn what_the_owner_adds_never_takes_the_place_of_an_alerts_own_labels() {
    let settings = AlertSettings {
        extra_labels: [("severity".to_owned(), "none".to_owned()), ("team".to_owned(), "a".to_owned())].into(),
        ..AlertSettings::default()
    };
    for alert in rules(&subject(), &settings).alerts() {
        assert_eq!(alert.labels["severity"], alert.severity.as_str());
        assert_eq!(alert.labels["team"], "a");
    }
}

#[test]
fn in_a_demonstration_nothing_waits_longer_than_a_few_minutes() {
    let settings = AlertSettings { windows: Windows::Demo, ..all_alerts() };
    for alert in rules(&subject(), &settings).alerts() {
        let pending = alert.pending.as_deref().unwrap_or("0s");
        let seconds: u64 = pending.strip_suffix('s').map_or(60, |seconds| seconds.parse().expect("seconds"));
        assert!(seconds <= 120, "{}: {pending}", alert.name);
        assert!(!alert.expr.contains("[15m]"), "{}: {}", alert.name, alert.expr);
    }
}
