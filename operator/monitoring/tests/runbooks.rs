//! Whoever is woken finds a page that says what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use shopkeeper_monitoring::{AlertSettings, Subject, dashboards, rules};

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src")
}

fn read(page: &str) -> String {
    fs::read_to_string(book().join(page)).unwrap_or_else(|error| panic!("docs/src/{page}: {error}"))
}

/// The names of all alerts, their pages and their severities.
fn alerts() -> BTreeMap<String, (String, BTreeSet<&'static str>)> {
    let subject = Subject { namespace: "shop".into(), store: "demo".into() };
    let hour = Duration::from_secs(3600);
    let settings = AlertSettings { min_requests_per_second: 1.0, backup_age: Some(hour), ..AlertSettings::default() };
    let mut all: BTreeMap<String, (String, BTreeSet<_>)> = BTreeMap::new();
    for alert in rules(&subject, &settings).alerts() {
        let (_, severities) = all.entry(alert.name.clone()).or_insert_with(|| (alert.runbook(), BTreeSet::new()));
        severities.insert(alert.severity.as_str());
    }
    all
}

#[test]
fn every_alert_has_a_page_with_the_four_headings_in_their_order() {
    for (name, (page, _)) in alerts() {
        let text = read(&format!("runbooks/{page}.md"));
        // Every other piece is a command, which may have remarks.
        let prose: String = text.split("```").step_by(2).collect();
        let headings: Vec<_> = prose.lines().filter(|line| line.starts_with('#')).collect();
        let title = format!("# {name}");
        assert_eq!(headings, [&*title, "## Meaning", "## Impact", "## Diagnosis", "## Mitigation"], "{page}");
        for part in text.split("\n## ").skip(1) {
            assert!(
                part.lines().count() > 2,
                "{page}: there is nothing under {}",
                part.lines().next().unwrap_or_default()
            );
        }
        let diagnosis = text.split("\n## ").find(|part| part.starts_with("Diagnosis")).expect("it is there");
        assert!(diagnosis.contains("```sh"), "{page}: a diagnosis has commands");
    }
}

#[test]
fn every_page_has_its_alert() {
    let pages: BTreeSet<_> = alerts().into_values().map(|(page, _)| format!("{page}.md")).collect();
    for entry in fs::read_dir(book().join("runbooks")).expect("the folder") {
        let file = entry.expect("a file").file_name().into_string().expect("a name");
        assert!(pages.contains(&file), "docs/src/runbooks/{file} is about no alert");
    }
}

#[test]
fn the_index_and_the_book_lead_to_every_page() {
    let (index, summary) = (read("runbooks.md"), read("SUMMARY.md"));
    for (name, (page, severities)) in alerts() {
        let severities: Vec<_> = severities.into_iter().collect();
        let row = format!("| [{name}](runbooks/{page}.md) | {} |", severities.join(", "));
        assert!(index.contains(&row), "docs/src/runbooks.md should have: {row}");
        let line = format!("  - [{name}](runbooks/{page}.md)");
        assert!(summary.contains(&line), "docs/src/SUMMARY.md should have: {line}");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    for (page, _) in alerts().into_values() {
        let text = read(&format!("runbooks/{page}.md"));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.starts_with("http") {
                assert!(book().join("runbooks").join(link).exists(), "{page}: {link}");
            }
        }
    }
}

/// The commands of a page, block by block.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next())
}

#[test]
fn commands_that_stand_together_can_be_typed_together() {
    for (page, _) in alerts().into_values() {
        let text = read(&format!("runbooks/{page}.md"));
        for block in commands(&text) {
            assert!(!block.contains("port-forward"), "{page}: nothing after it is ever run:\n{block}");
        }
    }
}

#[test]
fn tables_that_a_page_looks_at_are_in_a_schema_of_a_service() {
    let schemas = ["catalog", "cart", "orders", "users"];
    for (page, _) in alerts().into_values() {
        let text = read(&format!("runbooks/{page}.md"));
        for table in commands(&text).flat_map(|block| block.split("FROM ").skip(1)) {
            let table = table.split_whitespace().next().unwrap_or_default();
            let known = table.split_once('.').is_some_and(|(schema, _)| schemas.contains(&schema));
            assert!(known || table.starts_with("pg_"), "{page}: there is no {table}");
        }
    }
}

#[test]
fn panels_that_a_page_names_are_on_a_dashboard() {
    let subject = Subject { namespace: "shop".into(), store: "demo".into() };
    let titles: BTreeSet<_> = dashboards()
        .iter()
        .flat_map(|dashboard| dashboard.queries(&subject).into_iter().map(|(title, _)| title).collect::<Vec<_>>())
        .collect();
    // Words that are stressed for themselves.
    let others = ["stops"];
    for (page, _) in alerts().into_values() {
        let text = read(&format!("runbooks/{page}.md"));
        for bold in text.split("**").skip(1).step_by(2).filter(|bold| !others.contains(bold)) {
            assert!(titles.contains(bold), "docs/src/runbooks/{page}.md: there is no panel {bold}");
        }
    }
}

#[test]
fn the_page_about_dashboards_tells_of_each() {
    let text = read("dashboards.md");
    for dashboard in dashboards() {
        let row = format!("| {} | `{}` |", dashboard.title(), dashboard.uid());
        assert!(text.contains(&row), "docs/src/dashboards.md should have a row: {row}");
    }
}
