//! The rules of Grafana's dashboard linter, checked here for all dashboards, and two more: every metric exists somewhere, and every
//! dashboard can be found.
//!
//! Of its seventeen rules these are kept in another form, each for a reason:
//! - `template-job-rule`, `template-instance-rule`: a dashboard is about certain parts of a shop, which its queries name; what is chosen is the
//!   shop. Only the dashboard of all processes lets choose parts and instances.
//! - `target-job-rule`: every query names its job; only what rules record (`slo:…`, `ALERTS`) and the overview's `up` are of all jobs.
//! - `target-instance-rule`: pods come and go, and a shop's figures are those of all of them together.
//! - `target-rate-interval-rule`: figures of the whole time shown use `$__range`, and orders that stand still are those of a quarter of an hour.
//! - `target-logql-rule`, `target-logql-auto-rule`: there are no logs in any dashboard, which is what is checked.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::dashboards;
use crate::promtool::promtool;
use crate::query::selectors;
use crate::subject::Subject;

fn all() -> Vec<Value> {
    dashboards().iter().map(|dashboard| serde_json::to_value(dashboard).expect("it is JSON")).collect()
}

fn list<'a>(value: &'a Value, what: &str) -> &'a [Value] {
    value[what].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, what: &str) -> &'a str {
    value[what].as_str().unwrap_or_default()
}

/// Each panel of each dashboard, with a name for messages.
fn panels(dashboards: &[Value]) -> Vec<(String, &Value)> {
    let of = |dashboard| {
        let panels = list(dashboard, "panels").iter().filter(|panel| text(panel, "type") != "row");
        panels.map(|panel| (format!("{}: {}", text(dashboard, "uid"), text(panel, "title")), panel)).collect::<Vec<_>>()
    };
    dashboards.iter().flat_map(of).collect()
}

/// Each query of each panel.
fn queries(dashboards: &[Value]) -> Vec<(String, &str)> {
    let of = |(name, panel): (String, _)| {
        list(panel, "targets").iter().map(|target| (name.clone(), text(target, "expr"))).collect::<Vec<_>>()
    };
    panels(dashboards).into_iter().flat_map(of).collect()
}

fn variables(dashboard: &Value) -> &[Value] {
    list(&dashboard["templating"], "list")
}

#[test]
fn dashboards_cannot_be_edited_and_are_of_a_version_that_every_grafana_reads() {
    for dashboard in all() {
        assert_eq!(dashboard["editable"], false);
        let version = dashboard["schemaVersion"].as_u64().expect("a number");
        assert!((39..=41).contains(&version));
        assert_eq!(dashboard["graphTooltip"], 1);
        assert!(!text(&dashboard, "description").is_empty());
    }
}

#[test]
fn which_prometheus_is_asked_is_chosen() {
    let all = all();
    for dashboard in &all {
        let datasource = &variables(dashboard)[0];
        assert_eq!((text(datasource, "type"), text(datasource, "query")), ("datasource", "prometheus"));
    }
    let chosen = json!({"type": "prometheus", "uid": "${datasource}"});
    for (name, panel) in panels(&all) {
        assert_eq!(panel["datasource"], chosen, "{name}");
        for target in list(panel, "targets") {
            assert_eq!(target["datasource"], chosen, "{name}: there are no logs in dashboards, only figures");
        }
    }
}

#[test]
fn variables_ask_what_can_be_answered_and_ask_again_when_the_time_changes() {
    for dashboard in all() {
        for variable in variables(&dashboard).iter().filter(|variable| text(variable, "type") == "query") {
            assert_eq!(variable["refresh"], 2, "{variable}");
            let query = text(variable, "definition");
            let inside = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (series, label) =
                inside.and_then(|inside| inside.rsplit_once(", ")).expect("label_values(series, label)");
            assert!(series == "up" || selectors(series).len() == 1, "{series}");
            assert_eq!(label, text(variable, "name"));
        }
    }
}

#[test]
fn every_panel_says_what_it_is_what_is_bad_and_in_which_unit() {
    for (name, panel) in panels(&all()) {
        assert!(!text(panel, "title").is_empty(), "{name}");
        assert!(text(panel, "description").contains("Bad: "), "{name}: say what is bad");
        assert!(!text(&panel["fieldConfig"]["defaults"], "unit").is_empty(), "{name}");
        assert!(!list(panel, "targets").is_empty(), "{name}: nothing is asked");
    }
}

#[test]
fn no_two_panels_of_a_dashboard_are_called_the_same_in_one_row() {
    for dashboard in all() {
        let mut seen = BTreeSet::new();
        for panel in list(&dashboard, "panels") {
            if text(panel, "type") == "row" {
                seen.clear();
            } else {
                assert!(seen.insert(text(panel, "title")), "{}: {}", text(&dashboard, "uid"), text(panel, "title"));
            }
        }
    }
}

#[test]
fn every_query_is_about_the_chosen_shop_and_names_its_job() {
    let all = all();
    for (name, query) in queries(&all) {
        for selector in selectors(query) {
            assert_eq!(selector.matcher("namespace"), Some("=\"$namespace\""), "{name}: {query}");
            assert_eq!(selector.matcher("store"), Some("=\"$store\""), "{name}: {query}");
            let of_all = selector.metric.starts_with("slo:") || ["ALERTS", "up"].contains(&selector.metric);
            assert!(of_all || selector.matcher("job").is_some(), "{name}: {query}");
        }
    }
}

#[test]
fn the_dashboard_of_processes_asks_for_the_parts_and_instances_that_were_chosen() {
    let all = all();
    let runtime = all.iter().find(|dashboard| text(dashboard, "uid") == "shop-runtime").expect("it is there");
    let names: Vec<_> = variables(runtime).iter().map(|variable| text(variable, "name")).collect();
    assert_eq!(names, ["datasource", "namespace", "store", "job", "instance"]);
    let chosen = queries(std::slice::from_ref(runtime)).into_iter().flat_map(|(_, query)| selectors(query));
    let chosen: Vec<_> = chosen.filter(|selector| selector.matcher("job") == Some("=~\"$job\"")).collect();
    assert!(!chosen.is_empty());
    assert!(chosen.iter().all(|selector| selector.matcher("instance") == Some("=~\"$instance\"")));
}

#[test]
fn counters_are_only_looked_at_by_how_fast_they_rise() {
    let all = all();
    for (name, query) in queries(&all) {
        for selector in selectors(query) {
            let counter = ["_total", "_bucket", "_count", "_sum"].iter().any(|end| selector.metric.ends_with(end));
            // PostgreSQL's connections and locks are counted, and are no counters.
            let gauge = ["pg_stat_activity_count", "pg_locks_count"].contains(&selector.metric);
            if counter && !gauge {
                assert!(["rate", "increase"].contains(&selector.function), "{name}: {query}");
            }
        }
    }
}

#[test]
fn rates_are_over_as_long_as_a_dot_needs() {
    let all = all();
    for (name, query) in queries(&all) {
        for selector in selectors(query) {
            match selector.function {
                "rate" => assert_eq!(selector.window, Some("$__rate_interval"), "{name}: {query}"),
                "increase" => {
                    let known = [Some("$__range"), Some("15m")].contains(&selector.window);
                    assert!(known, "{name}: {query}");
                }
                _ => assert_eq!(selector.window, None, "{name}: {query}"),
            }
        }
    }
}

#[test]
fn prometheus_can_read_every_query() {
    let subject = Subject { namespace: "shop".into(), store: "demo".into() };
    let mut rules = Vec::new();
    for dashboard in dashboards() {
        for (_, query) in dashboard.queries(&subject) {
            assert!(!query.contains('$'), "{query}");
            let label = json!({"number": rules.len().to_string()});
            rules.push(json!({"record": "dashboards:query", "expr": query, "labels": label}));
        }
    }
    let file = json!({"groups": [{"name": "dashboards", "rules": rules}]});
    promtool(&["check", "rules", "queries.yaml"], &[("queries.yaml", &file)]);
}

#[test]
fn every_dashboard_has_an_address_of_its_own_and_is_found_from_the_overview() {
    let all = all();
    let uids: BTreeMap<_, _> = all.iter().map(|dashboard| (text(dashboard, "uid"), text(dashboard, "title"))).collect();
    assert_eq!(uids.len(), all.len());
    assert!(uids.keys().all(|uid| uid.len() <= 40), "Grafana's limit");
    let overview = &all[0];
    assert_eq!(text(overview, "uid"), "shop-overview");
    for (uid, title) in uids.iter().filter(|(uid, _)| **uid != "shop-overview") {
        let found =
            list(overview, "links").iter().any(|link| link["url"] == format!("/d/{uid}") && link["title"] == *title);
        assert!(found, "{uid}");
    }
    for dashboard in &all {
        assert_eq!(dashboard["tags"], json!(["shopkeeper"]));
        assert_eq!(dashboard["links"][0]["tags"], json!(["shopkeeper"]));
    }
}

#[test]
fn dots_that_lead_to_traces_are_on_the_times_that_have_them() {
    let with_traces = [
        "http_request_duration_seconds_bucket",
        "db_query_duration_seconds_bucket",
        "cache_load_duration_seconds_bucket",
        "gateway_request_duration_seconds_bucket",
        "gateway_upstream_duration_seconds_bucket",
    ];
    let mut seen = BTreeSet::new();
    for dashboard in all() {
        for panel in list(&dashboard, "panels") {
            for target in list(panel, "targets").iter().filter(|target| target["exemplar"] == true) {
                let metrics = selectors(text(target, "expr")).into_iter().map(|selector| selector.metric.to_owned());
                seen.extend(metrics);
            }
        }
    }
    assert_eq!(seen, with_traces.map(str::to_owned).into());
}
