//! What the README and the book tell people to type exists.
#![expect(clippy::expect_used, reason = "a failed expectation is how a test fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use shopkeeper_e2e::on_call::sections;
use shopkeeper_monitoring::{AlertSettings, Subject, rules};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The chapters of the book, in whatever folder of it.
fn chapters() -> Vec<PathBuf> {
    let mut open = vec![root().join("docs/src")];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("the book is there") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found
}

fn pages() -> Vec<PathBuf> {
    chapters().into_iter().chain([root().join("README.md")]).collect()
}

/// The lines of all `console` blocks of a page.
fn commands(text: &str) -> Vec<&str> {
    let blocks = text.split("```console\n").skip(1);
    blocks
        .filter_map(|rest| rest.split("```").next())
        .flat_map(str::lines)
        .filter(|line| !line.trim().is_empty())
        .collect()
}

#[test]
fn every_make_target_that_is_shown_exists() {
    let makefile = fs::read_to_string(root().join("Makefile")).expect("the Makefile is there");
    let targets: BTreeSet<&str> =
        makefile.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a readable page");
        for command in commands(&text) {
            let words: Vec<&str> =
                command.split(|character: char| !character.is_ascii_alphanumeric() && character != '-').collect();
            for pair in words.windows(2).filter(|pair| pair[0] == "make" && !pair[1].starts_with('-')) {
                assert!(targets.contains(pair[1]), "{}: there is no target {:?}", page.display(), pair[1]);
            }
        }
    }
}

#[test]
fn every_chapter_is_in_the_summary_and_the_other_way_round() {
    let summary = fs::read_to_string(root().join("docs/src/SUMMARY.md")).expect("the summary is there");
    let linked: BTreeSet<&str> = summary.split('(').skip(1).filter_map(|rest| rest.split(')').next()).collect();
    let book = root().join("docs/src");
    let chapters: Vec<String> = chapters()
        .iter()
        .filter_map(|page| page.strip_prefix(&book).ok()?.to_str().map(str::to_owned))
        .filter(|name| name != "SUMMARY.md")
        .collect();
    assert_eq!(linked, chapters.iter().map(String::as_str).collect::<BTreeSet<_>>());
}

/// All Rust sources below some folders, without tests.
fn sources(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("target") {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a readable source");
                found.push((path, text));
            }
        }
    }
    found
}

/// The words in back quotes in the first column of a page's tables.
fn first_column(page: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("docs/src").join(page)).expect("a readable page");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    rows.map(|(word, _)| word.to_owned()).collect()
}

/// The names of problems that the code makes: the first text after a call that makes one.
fn problems_in_code() -> BTreeSet<String> {
    const CALLS: [&str; 6] = ["Problem::new(", "Self::new(", "conflict(", "unprocessable(", "unavailable(", "away("];
    let mut found = BTreeSet::new();
    for (path, text) in sources(&["services"]) {
        if !path.components().any(|part| part.as_os_str() == "src") {
            continue;
        }
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for call in CALLS {
            for rest in text.split(call).skip(1) {
                let Some((before, rest)) = rest.split_once('"') else { continue };
                let Some((slug, _)) = rest.split_once('"') else { continue };
                let is_argument = before.chars().all(|sign| sign.is_ascii_alphanumeric() || ":_, \n".contains(sign));
                let is_slug = !slug.is_empty() && slug.chars().all(|sign| sign.is_ascii_lowercase() || sign == '-');
                if is_argument && is_slug {
                    found.insert(slug.to_owned());
                }
            }
        }
    }
    found
}

#[test]
fn every_problem_that_the_code_makes_is_explained_and_every_one_that_is_explained_is_made() {
    let page = fs::read_to_string(root().join("docs/src/api.md")).expect("a readable page");
    let (explained, made) = (first_column("api.md"), problems_in_code());
    assert!(made.len() > 30, "they are found: {made:?}");
    let missing: Vec<_> = made.iter().filter(|slug| !page.contains(&format!("`{slug}`"))).collect();
    assert!(missing.is_empty(), "not explained in docs/src/api.md: {missing:?}");
    let code = sources(&["services", "operator/plan/src"]);
    let is_made = |slug: &str| code.iter().any(|(_, text)| text.contains(&format!("\"{slug}\"")));
    let stale: Vec<_> = explained.iter().filter(|slug| !is_made(slug)).collect();
    assert!(stale.is_empty(), "no longer in the code: {stale:?}");
}

/// Wants every word in back quotes that looks like the name of a test to be one; how many there are.
fn named_tests_that_exist(page: &str) -> usize {
    let text = fs::read_to_string(root().join("docs/src").join(page)).expect("a readable page");
    let named = text.split('`').skip(1).step_by(2).filter(|word| {
        word.matches('_').count() >= 3
            && word.chars().all(|sign| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_')
    });
    let code = sources(&["services", "operator", "e2e"]);
    let mut count = 0;
    for test in named {
        let exists = code.iter().any(|(_, text)| text.contains(&format!("fn {test}(")));
        assert!(exists, "docs/src/{page} names {test}, which there is not");
        count += 1;
    }
    count
}

#[test]
fn every_test_that_the_page_of_failures_names_exists() {
    let count = named_tests_that_exist("failures.md");
    assert!(count > 20, "the page names its tests: {count}");
}

#[test]
fn every_test_that_the_checklist_names_exists() {
    let count = named_tests_that_exist("checklist.md");
    assert!(count > 60, "the page names its tests: {count}");
}

/// A row of the checklist.
struct Row<'a> {
    number: usize,
    state: &'a str,
    evidence: &'a str,
}

impl<'a> Row<'a> {
    /// Reads `| number | what | state | evidence |`; other lines are no rows.
    fn read(line: &'a str) -> Option<Self> {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let [number, _, state, evidence] = cells[..] else { return None };
        Some(Self { number: number.parse().ok()?, state, evidence })
    }
}

#[test]
fn the_checklist_has_each_row_once_and_counts_them_right() {
    let page = fs::read_to_string(root().join("docs/src/checklist.md")).expect("a readable page");
    let rows: Vec<Row> = page.lines().filter_map(Row::read).collect();
    let mut numbers: Vec<usize> = rows.iter().map(|row| row.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=66).collect::<Vec<_>>());
    let count = |state: &str| rows.iter().filter(|row| row.state == state).count();
    let (full, half, open) = (count("full"), count("half"), count("open"));
    assert_eq!(full + half + open, rows.len(), "there is no fourth state");
    let summary = format!("Of its {} rows {full} are full, {half} are half and {open} are open.", rows.len());
    assert!(page.contains(&summary), "docs/src/checklist.md should say: {summary}");
}

#[test]
fn a_row_of_the_checklist_that_is_not_full_says_what_is_missing() {
    let page = fs::read_to_string(root().join("docs/src/checklist.md")).expect("a readable page");
    for Row { number, state, evidence } in page.lines().filter_map(Row::read) {
        assert_eq!(evidence.contains("Missing: "), state != "full", "row {number} of docs/src/checklist.md is {state}");
    }
}

#[test]
fn every_alert_but_the_watchdog_has_a_fault_in_the_guide() {
    let guide = fs::read_to_string(root().join("docs/src/provoking-alerts.md")).expect("a readable page");
    let provoked: Vec<String> = sections(&guide).into_iter().flat_map(|section| section.alerts).collect();
    let subject = Subject { namespace: "shop".into(), store: "demo".into() };
    let day = Duration::from_secs(86_400);
    let all = AlertSettings { backup_age: Some(day), min_requests_per_second: 1.0, ..AlertSettings::default() };
    let file = rules(&subject, &all);
    let alerts: BTreeSet<&str> = file.alerts().map(|alert| alert.name.as_str()).collect();
    let told: BTreeSet<&str> = provoked.iter().map(String::as_str).chain(["Watchdog"]).collect();
    assert_eq!(told, alerts);
    assert_eq!(provoked.len() + 1, told.len(), "one has two faults: {provoked:?}");
}
