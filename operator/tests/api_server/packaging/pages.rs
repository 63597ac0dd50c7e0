//! The pages about upgrades, capabilities and decisions name what there is.

use std::path::{Path, PathBuf};

use super::{place, read};

const PAGES: [&str; 3] = ["docs/src/upgrades.md", "docs/src/capabilities.md", "docs/src/decisions.md"];
const DECISIONS: &str = "docs/src/decisions";
const ROOMS: [&str; 10] =
    ["operator/", "services/", "charts/", "crds/", "e2e/", "local/", "docs/", "manifests/", "bundle/", "scripts/"];

fn decisions() -> Vec<String> {
    let entries = std::fs::read_dir(place(DECISIONS)).expect("a folder");
    entries.map(|entry| format!("{DECISIONS}/{}", entry.expect("an entry").file_name().display())).collect()
}

/// All Rust sources below a folder.
fn sources(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path: PathBuf = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push_str(&std::fs::read_to_string(&path).expect("a source"));
        }
    }
}

/// The words in back quotes.
fn quoted(page: &str) -> Vec<String> {
    page.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

fn is_test(word: &str) -> bool {
    let plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_';
    word.matches('_').count() >= 3 && word.chars().all(plain)
}

#[test]
fn every_test_and_file_that_upgrades_capabilities_and_decisions_name_exists() {
    let mut code = String::new();
    for folder in ["operator", "e2e", "services"] {
        sources(&place(folder), &mut code);
    }
    let (mut tests, mut files) = (0, 0);
    for page in PAGES.map(ToOwned::to_owned).into_iter().chain(decisions()) {
        for word in quoted(&read(&page)) {
            if is_test(&word) {
                assert!(code.contains(&format!("fn {word}(")), "{page} names {word}, which there is not");
                tests += 1;
            } else if ROOMS.iter().any(|room| word.starts_with(room)) {
                assert!(place(&word).exists(), "{page} names {word}, which there is not");
                files += 1;
            }
        }
    }
    assert!(tests > 20 && files > 20, "they are found: {tests} tests, {files} files");
}

#[test]
fn every_decision_says_why_what_and_what_follows_and_is_in_the_list() {
    let list = read("docs/src/decisions.md");
    let all = decisions();
    assert!(all.len() > 12, "{all:?}");
    for name in &all {
        let page = read(name);
        let headings: Vec<&str> = page.lines().filter(|line| line.starts_with('#')).collect();
        let title = headings[0].trim_start_matches("# ");
        assert_eq!(headings[1..], ["## Context", "## Decision", "## Consequences"], "{name}");
        let row = format!("| [{title}]({}) |", name.trim_start_matches("docs/src/"));
        assert!(list.contains(&row), "docs/src/decisions.md lacks {row}");
    }
    assert_eq!(list.matches("](decisions/").count(), all.len());
}
