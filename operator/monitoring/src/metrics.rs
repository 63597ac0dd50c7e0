//! Every metric that anything here asks for, against pages of those who tell them (`tests/metrics/<job>-<which>.txt`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::dashboards;
use crate::query::selectors;
use crate::rules::{Rule, rules};
use crate::settings::AlertSettings;
use crate::subject::Subject;

/// What Prometheus adds to whatever it asks.
const OF_ANY_JOB: [&str; 2] = ["up", "scrape_duration_seconds"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/metrics")
}

fn subject() -> Subject {
    Subject { namespace: "shop".into(), store: "demo".into() }
}

/// The names of series on a page of metrics.
fn names(page: &str) -> BTreeSet<String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types
        .flat_map(|(name, kind)| match kind.trim() {
            "histogram" => ["_bucket", "_sum", "_count"].map(|end| format!("{name}{end}")).to_vec(),
            "summary" => ["", "_sum", "_count"].map(|end| format!("{name}{end}")).to_vec(),
            // OpenMetrics leaves the end out of the name of a counter's family, and older texts have it there.
            "counter" => vec![name.to_owned(), format!("{name}_total")],
            _ => vec![name.to_owned()],
        })
        .collect()
}

/// Pages by their names, of each job.
fn pages() -> BTreeMap<String, Vec<(String, BTreeSet<String>)>> {
    let mut pages: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).expect("there is the folder") {
        let path = entry.expect("a file").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        let (job, _) = name.split_once('-').expect("<job>-<which>.txt");
        let text = std::fs::read_to_string(&path).expect("a text");
        pages.entry(job.to_owned()).or_default().push((name.clone(), names(&text)));
    }
    pages
}

/// All queries of dashboards and rules, with where they are.
fn queries() -> Vec<(String, String)> {
    let settings = AlertSettings {
        min_requests_per_second: 1.0,
        backup_age: Some(Duration::from_secs(3600)),
        ..AlertSettings::default()
    };
    let mut all = Vec::new();
    for dashboard in dashboards() {
        let of = dashboard.queries(&subject()).into_iter();
        all.extend(of.map(|(panel, query)| (format!("{}: {panel}", dashboard.uid()), query)));
    }
    for group in rules(&subject(), &settings).groups {
        all.extend(group.rules.into_iter().map(|rule| match rule {
            Rule::Recording(recording) => (recording.record, recording.expr),
            Rule::Alert(alert) => (alert.name, alert.expr),
        }));
    }
    all
}

/// The jobs that a matcher like `=~"cart|order"` means.
fn jobs(matcher: &str) -> Vec<String> {
    let value = matcher.trim_start_matches(['=', '~']).trim_matches('"');
    if value == ".+" { Vec::new() } else { value.split('|').map(str::to_owned).collect() }
}

#[test]
fn every_metric_that_is_asked_for_is_told_by_the_job_that_it_is_asked_of() {
    let pages = pages();
    let told =
        |job: &str, metric: &str| pages.get(job).is_some_and(|pages| pages.iter().any(|(_, all)| all.contains(metric)));
    for (place, query) in queries() {
        for selector in selectors(&query).iter().filter(|selector| !OF_ANY_JOB.contains(&selector.metric)) {
            let Some(matcher) = selector.matcher("job") else { continue };
            let jobs = jobs(matcher);
            let everywhere: Vec<_> = pages.keys().cloned().collect();
            let asked = if jobs.is_empty() { &everywhere } else { &jobs };
            let found = asked.iter().any(|job| told(job, selector.metric));
            assert!(found, "{place}: nobody of {asked:?} tells {}", selector.metric);
            for job in &jobs {
                assert!(pages.contains_key(job), "there is no page of {job}");
            }
        }
    }
}

/// Names differ between the versions that are shipped; where they do, a query must say so with `or`.
#[test]
fn every_query_of_one_job_gives_something_whichever_version_runs() {
    let pages = pages();
    for (place, query) in queries() {
        let mut wanted: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for selector in selectors(&query).iter().filter(|selector| !OF_ANY_JOB.contains(&selector.metric)) {
            if let [job] = selector.matcher("job").map(jobs).unwrap_or_default().as_slice() {
                wanted.entry(job.clone()).or_default().insert(selector.metric);
            }
        }
        for (job, metrics) in wanted {
            for (page, told) in &pages[&job] {
                let missing: Vec<_> = metrics.iter().filter(|metric| !told.contains(**metric)).collect();
                let some = missing.len() < metrics.len();
                assert!(missing.is_empty() || some && query.contains(" or "), "{place}: {page} has no {missing:?}");
            }
        }
    }
}

#[test]
fn what_is_recorded_is_what_is_asked_for() {
    let file = rules(&subject(), &AlertSettings::default());
    let recorded: BTreeSet<_> = file.recordings().map(|recording| recording.record.clone()).collect();
    for (place, query) in queries() {
        for selector in selectors(&query).iter().filter(|selector| selector.metric.contains(':')) {
            assert!(recorded.contains(selector.metric), "{place}: nothing records {}", selector.metric);
        }
    }
}

#[test]
fn names_are_read_from_both_formats() {
    let page = "# TYPE a_total counter\na_total 1\n# TYPE b counter\nb_total 1\n# TYPE c histogram\n# TYPE d gauge\n";
    let names = names(page);
    for name in ["a_total", "b_total", "c_bucket", "c_count", "c_sum", "d"] {
        assert!(names.contains(name), "{name}");
    }
}

/// `PAGES="cart-local=http://… order-local=http://…" cargo test -- --ignored capture` writes the pages that these addresses give.
#[test]
#[ignore = "writes files from a running shop"]
fn capture() {
    let pages = std::env::var("PAGES").expect("PAGES is <job>-<which>=<address>, several with spaces between them");
    for (name, address) in pages.split_whitespace().filter_map(|page| page.split_once('=')) {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--fail", address])
            .output()
            .expect("curl is needed");
        assert!(output.status.success(), "{address}: {}", String::from_utf8_lossy(&output.stderr));
        let head = "# Captured from a running shop. Figures of the Go runtime are left out.\n";
        let text = String::from_utf8(output.stdout).expect("a text");
        let kept = text
            .lines()
            .filter(|line| !line.trim_start_matches("# TYPE ").trim_start_matches("# HELP ").starts_with("go_"));
        let page: String = head.lines().chain(kept).flat_map(|line| [line, "\n"]).collect();
        std::fs::write(folder().join(format!("{name}.txt")), page).expect("it is written");
    }
}
